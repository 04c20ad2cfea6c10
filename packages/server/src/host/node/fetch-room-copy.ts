import { createWriteStream, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { AlcoveError } from '@alcove/core/error';
import type { RoomAddress } from '../../room/room-directory.ts';

const COPY_TIMEOUT_MS = 10 * 60_000;

export interface RoomCopyAsked {
  readonly address: RoomAddress;
  /** The primary's sockets, ws: or wss:, and its follower token. */
  readonly from: string;
  readonly token: string;
  /** Where the copy goes: whole once this resolves. */
  readonly path: string;
}

/** A room's file as the primary has it now. @throws AlcoveError `connection_lost`; whatever network and disk say, or the signal. */
export async function fetchRoomCopy({ address, from, token, path }: RoomCopyAsked, signal: AbortSignal): Promise<void> {
  const url = new URL(from.replace(/^ws/, 'http'));
  url.searchParams.set('copy', `${address.name}/${address.id}`);
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.any([signal, AbortSignal.timeout(COPY_TIMEOUT_MS)]),
  });
  if (!response.ok || response.body === null)
    throw new AlcoveError('connection_lost', `the primary gave no copy of ${address.name}/${address.id}: ${response.status}`);
  rmSync(path, { force: true });
  await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(path)); // Node's own type of the same stream
  signal.throwIfAborted();
}
