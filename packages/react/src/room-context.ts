import { AlcoveError } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { ClientRoom } from '@alcove/client';
import { createContext, useContext } from 'react';

/** The rooms around a component, of each definition the innermost: hooks of one definition never see a room of another, which may go by the same name on another server. */
export const RoomContext = createContext<ReadonlyMap<AnyRoom, ClientRoom>>(new Map());

/** @throws AlcoveError `option_invalid` outside of its provider. */
export function useRoomOf(definition: AnyRoom): ClientRoom {
  const room = useContext(RoomContext).get(definition);
  if (room === undefined) {
    throw new AlcoveError('option_invalid', `a hook of the room “${definition.name}” was used outside of its RoomProvider`, {
      hint: 'Render the component inside <RoomProvider> from the same createRoomHooks call.',
    });
  }
  return room;
}
