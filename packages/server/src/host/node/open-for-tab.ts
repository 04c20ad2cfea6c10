import { AlcoveError, isErrorCode } from '@alcove/core/error';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { TabInfo } from './relayed-room.ts';

export interface OpenForTab {
  /** The primary's sockets, and its follower token. */
  readonly from: string;
  readonly token: string;
  readonly address: RoomAddress;
  /** What the tab brings. */
  readonly userToken: string | null;
  readonly info: TabInfo;
}

const TIMEOUT_MS = 10_000;

/**
 * A tab says hello to a room that the primary was not known to have: it opens it for this user as for one of its own sockets, and so makes it where they may.
 * @throws AlcoveError what it refuses the user with; `primary_lost` where it does not answer
 */
export async function openForTab({ from, token, address, userToken, info }: OpenForTab): Promise<void> {
  const url = new URL(from.replace(/^ws/, 'http'));
  url.searchParams.set('open', `${address.name}/${address.id}`);
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ token: userToken, ...info }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new AlcoveError('primary_lost', 'the follower cannot reach its primary', { retryAfterMs: 1_000, cause });
  });
  if (response.ok) return;
  const { error } = (await response.json().catch(() => ({}))) as {
    readonly error?: { readonly code?: unknown; readonly message?: unknown };
  };
  if (!isErrorCode(error?.code)) throw new AlcoveError('primary_lost', `the primary answered ${response.status}`, { retryAfterMs: 1_000 });
  throw new AlcoveError(error.code, typeof error.message === 'string' ? error.message : '');
}
