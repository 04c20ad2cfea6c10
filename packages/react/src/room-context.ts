import { AlcoveError } from '@alcove/core/error';
import type { ClientRoom } from '@alcove/client';
import { createContext, useContext } from 'react';

/** The rooms around a component, innermost last found, by definition name: hooks of one definition never see a room of another. */
export const RoomContext = createContext<ReadonlyMap<string, ClientRoom>>(new Map());

/** @throws AlcoveError `option_invalid` outside of its provider. */
export function useRoomNamed(name: string): ClientRoom {
  const room = useContext(RoomContext).get(name);
  if (room === undefined) {
    throw new AlcoveError('option_invalid', `a hook of the room “${name}” was used outside of its RoomProvider`, {
      hint: 'Render the component inside <RoomProvider> from the same createRoomHooks call.',
    });
  }
  return room;
}
