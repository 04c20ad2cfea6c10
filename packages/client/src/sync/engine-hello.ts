import { HELLO_CLIENTS_MAX } from '@alcove/core/protocol/client-message';
import { PROTOCOL_VERSION } from '@alcove/core/protocol/version';
import type { ConnectionOptions } from '../connection/connection.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { SyncEngineOptions } from './engine-interface.ts';
import type { ReplicaFlow } from './replica-flow.ts';

/** What the engine says first on a new connection: who it is, what is pending, where its replica stands. */
export function engineHello(
  { room, roomId, groupId }: Pick<SyncEngineOptions, 'room' | 'roomId' | 'groupId'>,
  clientId: string,
  outbox: Outbox,
  siblings: Pick<SiblingMutations, 'hello'>,
  replica: Pick<ReplicaFlow, 'hello' | 'snapshots'>,
): ReturnType<ConnectionOptions['hello']> {
  const own = outbox.hello(clientId);
  return {
    protocol: PROTOCOL_VERSION,
    room: room.name,
    id: roomId,
    schema: room.model.schemaId,
    clientId,
    groupId,
    // Of what other tabs have pending the room says what it has decided: they may not hear it, or tell it, for long.
    clients: [...own, ...siblings.hello((other) => outbox.has(other), HELLO_CLIENTS_MAX - own.length)],
    ...replica.hello(),
    snapshots: replica.snapshots,
  };
}

/** The client group of a page's first hello, and so of all: as it spoke before, as the place is of, or as it is itself. */
export const firstGroupId = (
  { groupId, isGroupBound = false }: Pick<SyncEngineOptions, 'groupId' | 'isGroupBound'>,
  keptGroupId: string | null,
): string => (isGroupBound ? groupId : (keptGroupId ?? groupId));
