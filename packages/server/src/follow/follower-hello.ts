import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import { PROTOCOL_VERSION } from '@alcove/core/protocol/version';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomAddress } from '../room/room-directory.ts';

/** How a follower comes into a room of its primary. Each socket is a client of its own. */
export const followerHello = ({ name, id }: RoomAddress, token: string, runtime: Pick<Runtime, 'newId'>): ClientMessageInput => ({
  type: 'hello',
  protocol: PROTOCOL_VERSION,
  codecs: ['deflate'],
  room: name,
  id,
  token,
  clientId: `follower-${runtime.newId()}`,
  snapshots: [],
});
