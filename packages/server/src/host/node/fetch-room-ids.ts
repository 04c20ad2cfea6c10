import { AlcoveError } from '@alcove/core/error';

export interface RoomIdsAsked {
  /** The primary's sockets, ws: or wss:, and its follower token. */
  readonly from: string;
  readonly token: string;
  readonly name: string;
  readonly timeoutMs: number;
}

/** What whoever runs it has to do, by status. */
const REFUSALS: Readonly<Record<number, string>> = {
  401: 'its `followers.token` is another one than ours',
  404: 'there are no sockets at this path: is `from` without its /sync?',
  426: 'nobody may follow it: give it `followers: { token }`, or ALCOVE_FOLLOWER_TOKEN',
};

/** The ids of all rooms of a name, as the primary has them now. @throws AlcoveError `connection_lost` where it refuses; whatever the network says. */
export async function fetchRoomIds({ from, token, name, timeoutMs }: RoomIdsAsked): Promise<readonly string[]> {
  const url = new URL(from.replace(/^ws/, 'http'));
  url.searchParams.set('rooms', name);
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new AlcoveError('connection_lost', REFUSALS[response.status] ?? `it answered ${response.status}`);
  return ((await response.json()) as { rooms: string[] }).rooms; // our own server's word
}
