import { AlcoveError } from '@alcove/core/error';
import { codeField, countField } from '@alcove/core/protocol/fields';
import * as v from 'valibot';
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

/** As our own server says it; a proxy may have answered in its place. */
const refusal = v.object({ error: v.object({ code: codeField, message: v.string(), retryAfterMs: v.optional(countField) }) });

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
  const answer = v.safeParse(refusal, await response.json().catch(() => null));
  // What is wrong with the follower's own token, or its address of the primary, is no word about the tab.
  if (!answer.success || response.status === 401 || answer.output.error.code === 'bad_message')
    throw new AlcoveError('primary_lost', `the primary answered ${response.status}`, { retryAfterMs: 1_000 });
  throw AlcoveError.fromBody(answer.output.error);
}
