import type { Client, ClientRoom } from '@alcove/client';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { type ReactElement, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { RoomContext } from './room-context.ts';

/** What `RoomProvider` takes. */
export interface RoomProviderProps {
  /** Made once, outside of components. */
  readonly client: Client;
  /** Room id. Another id is another room: what the hooks return starts anew. */
  readonly id: string;
  readonly children?: ReactNode;
}

/**
 * Opens the room while it is mounted. Rendering has no effects, so servers, StrictMode and discarded renders open nothing; a remount (StrictMode, a hidden
 * Activity shown again) finds the room as it was.
 */
export function createRoomProvider(definition: AnyRoom): (props: RoomProviderProps) => ReactElement {
  return function RoomProvider({ client, id, children }: RoomProviderProps) {
    const [round, setRound] = useState(0);
    const around = useContext(RoomContext);
    // biome-ignore lint: `round` asks for the room anew after it was closed.
    const room = useMemo(() => client.prepare(definition, id), [client, id, round]);

    useEffect(() => {
      // Hidden for so long that it was closed: the next render takes a new one.
      if (room.closed) return setRound((before) => before + 1);
      return room.retain();
    }, [room]);

    // Hooks find it by definition and know its type themselves.
    const rooms = useMemo(() => new Map(around).set(definition, room as ClientRoom), [around, room]);
    return <RoomContext value={rooms}>{children}</RoomContext>;
  };
}
