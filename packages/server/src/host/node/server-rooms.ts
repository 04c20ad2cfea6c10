import { AlcoveError } from '@alcove/core/error';
import { type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import { mayDo } from '../../access/front.ts';
import type { RoomAddress, RoomDirectory, RoomListOptions } from '../../room/room-directory.ts';
import type { OnBehalf, ServerRooms } from './alcove-server.ts';
import { type AppRules, mayOf } from './gatekeeper.ts';
import type { HostedRoom } from './hosted-room.ts';
import { visibleRooms } from './visible-rooms.ts';

const ON_BEHALF: KeysOf<OnBehalf> = { user: true };
const LIST_OPTIONS: KeysOf<OnBehalf & RoomListOptions> = { ...ON_BEHALF, prefix: true, limit: true, after: true };

export interface RoomNames {
  /** @throws AlcoveError `room_unknown` for a name that is none of the server's */
  known(name: string): void;
  /** @throws AlcoveError `room_unknown`, `room_id_invalid` */
  addressOf(name: string, id: string): RoomAddress;
}

/** The rooms on disk, for the server's own code. */
export const serverRooms = (directory: RoomDirectory<HostedRoom>, rules: AppRules, names: RoomNames): ServerRooms => ({
  list: async (name, given = {}) => {
    refuseUnknownKeys('option_invalid', 'rooms.list', given, LIST_OPTIONS);
    const { user, ...options } = given;
    names.known(name);
    if (user === undefined) return directory.list(name, options);
    return visibleRooms(
      (page) => directory.list(name, page),
      options,
      (id) => mayDo(user, { kind: 'list' }, { may: mayOf(rules, { name, id }) }),
    );
  },
  create: async (name, id, given = {}) => {
    refuseUnknownKeys('option_invalid', 'rooms.create', given, ON_BEHALF);
    const { user } = given;
    const address = names.addressOf(name, id);
    if (user !== undefined && !(await mayDo(user, { kind: 'create' }, { may: mayOf(rules, address) })))
      throw new AlcoveError('forbidden', 'this user may not make this room');
    return directory.use(address, 'new', () => undefined);
  },
  delete: async (name, id) => directory.remove(names.addressOf(name, id)),
  open: async (name, id) => directory.use(names.addressOf(name, id), 'existing', ({ room }) => ({ ...room.stats })),
});
