import { AlcoveError } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { OpenRequest } from './engine-port.ts';

/** @param taker Names in the message who takes them. @throws AlcoveError `option_invalid` for two definitions of one name: rooms are asked for by name. */
export function refuseRepeatedRooms(taker: string, rooms: readonly AnyRoom[]): void {
  const twice = rooms.find((room, index) => rooms.slice(0, index).some((other) => other !== room && other.name === room.name))?.name;
  if (twice === undefined) return;
  throw new AlcoveError('option_invalid', `${taker} takes one definition of each name, and got two named “${twice}”`);
}

/** The definition of the room that is asked for. @throws AlcoveError `option_invalid` where none has its name, or the one that has it holds other tables. */
export function roomAsked(rooms: readonly AnyRoom[], { roomName, schemaId }: Pick<OpenRequest, 'roomName' | 'schemaId'>): AnyRoom {
  const room = rooms.find(({ name }) => name === roomName);
  if (room?.model.schemaId === schemaId) return room;
  throw new AlcoveError(
    'option_invalid',
    room === undefined
      ? `the room definition “${roomName}” is not known here`
      : `the room definition “${roomName}” that is known here holds other tables`,
    { hint: 'Pass the very definition when the client or worker is started.' },
  );
}
