import type { RoomAddress } from '../../room/room-directory.ts';
import { ROOM_ID } from './room-file-name.ts';

/** `trip/japan-2027` → name and id; null: it is no room's. */
export function roomAddressOf(text: string): RoomAddress | null {
  const [name = '', id = '', ...more] = text.split('/');
  return more.length > 0 || !ROOM_ID.test(name) || !ROOM_ID.test(id) ? null : { name, id };
}
