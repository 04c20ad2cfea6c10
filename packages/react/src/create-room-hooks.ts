import type {
  ClientRoom,
  MutateFunctions,
  Other,
  QueryBuild,
  QueryResult,
  ServerQueryOptions,
  ServerQueryResult,
  SharedState,
} from '@alcove/client';
import { AlcoveError } from '@alcove/core/error';
import {
  type AnyRoom,
  type CursorOf,
  type EphemeralName,
  type EphemeralOf,
  type MutatorName,
  type PresenceOf,
  type QueryArgs,
  type QueryName,
  type QueryRow,
  type RoomDefinition,
  type ValueName,
  type ValueOf,
  isRoom,
} from '@alcove/core/schema/define-room';
import type { RowOf } from '@alcove/core/sqlite/built-query';
import { kindOf } from '@alcove/core/unknown-keys';
import type { DependencyList, ReactElement, RefObject } from 'react';
import { useRoomOf } from './room-context.ts';
import { type RoomProviderProps, createRoomProvider } from './room-provider.tsx';
import { type Cursors, useCursorsOf } from './use-cursors.ts';
import { type DebouncedValueControls, useDebouncedValueOf } from './use-debounced-value.ts';
import { useOthersOf } from './use-others.ts';
import { useQueryOf, useSuspenseQueryOf } from './use-query.ts';
import { useReadable } from './use-readable.ts';
import { type ServerQueryHookOptions, useServerQueryOf } from './use-server-query.ts';
import { type ConnectionStatus, type RoomSyncStatus, useConnectionOf, useSyncStatusOf } from './use-status.ts';

/** Hooks bound to one room definition: everything they take and return is typed by it. */
export interface RoomHooks<Room extends AnyRoom> {
  /** Opens a room of this definition while it is mounted; the other hooks belong inside. */
  readonly RoomProvider: (props: RoomProviderProps) => ReactElement;
  /** The room itself, for event handlers. @throws AlcoveError `option_invalid` outside of its provider; so do all others */
  useRoom(): ClientRoom<Room>;
  /** A live query: a builder function, or sql`…`. `deps` as in useMemo; without them it is built in every render. */
  useQuery<Query>(build: QueryBuild<Query> | Query, deps?: DependencyList): QueryResult<RowOf<Query>>;
  /** The rows; suspends until there are any, throws the query's error to the nearest error boundary. */
  useSuspenseQuery<Query>(build: QueryBuild<Query> | Query, deps?: DependencyList): readonly RowOf<Query>[];
  /**
   * A query that is asked on the server: on mount, when it changes, on `refresh`, and as its options say. A builder function, or sql`…`; its result is shaped as `useQuery`'s, with who answered and
   * from which version. `deps` among the options: as in useMemo; without them it is built in every render. Another query begins anew, as `pending`.
   */
  useServerQuery<Query extends object>(build: QueryBuild<Query> | Query, options?: ServerQueryHookOptions): ServerQueryResult<RowOf<Query>>;
  /** The same of a query of the definition, by its name; its arguments are compared by value. */
  useServerQuery<Name extends QueryName<Room>>(
    name: Name,
    ...rest: undefined extends QueryArgs<Room, Name>
      ? [args?: QueryArgs<Room, Name>, options?: ServerQueryOptions]
      : [args: QueryArgs<Room, Name>, options?: ServerQueryOptions]
  ): ServerQueryResult<QueryRow<Room, Name>>;
  /** The mutator as a function of stable identity. */
  useMutator<Name extends MutatorName<Room>>(name: Name): MutateFunctions<Room>[Name];
  /** Own presence and a setter of stable identity; null: none is shown. */
  usePresence(): [PresenceOf<Room> | null, (state: PresenceOf<Room> | null) => void];
  /** The other sessions' presence, one entry a session. */
  useOthers(): readonly Other<PresenceOf<Room>>[];
  /** The component renders only when the selection differs, arrays and flat objects compared by their members. */
  useOthers<Selected>(selector: (others: readonly Other<PresenceOf<Room>>[]) => Selected): Selected;
  /** The others' cursors, and what sends one's own, measured from `ref`'s element or the one that `props` are on. */
  useCursors(ref?: RefObject<Element | null>): Cursors<CursorOf<Room>>;
  /** The value (undefined until it was ever set), a setter of stable identity, and the rest. Each `key` is a value of its own. */
  useDebouncedValue<Name extends ValueName<Room>>(
    name: Name,
    key?: string,
  ): [ValueOf<Room, Name> | undefined, (value: ValueOf<Room, Name>) => void, DebouncedValueControls];
  /** Own short-lived state under a declared name, and the others'. */
  useEphemeral<Name extends EphemeralName<Room>>(
    name: Name,
    key?: string,
  ): [EphemeralOf<Room, Name> | null, (state: EphemeralOf<Room, Name> | null) => void, readonly Other<EphemeralOf<Room, Name>>[]];
  /** The connection alone: renders only when it changes. */
  useConnection(): ConnectionStatus;
  /** Everything about how far this tab and the room agree; renders with each version. */
  useSyncStatus(): RoomSyncStatus;
}

/** Makes the hooks of a room. Call it once per definition, outside of components. @throws AlcoveError `option_invalid` for what is no definition */
export function createRoomHooks<Room extends AnyRoom>(definition: Room & RoomDefinition): RoomHooks<Room> {
  if (!isRoom(definition))
    throw new AlcoveError('option_invalid', `createRoomHooks takes a definition made by defineRoom, and got ${kindOf(definition)}`);
  // RoomProvider put exactly this definition's room there.
  const useRoom = (): ClientRoom<Room> => useRoomOf(definition) as unknown as ClientRoom<Room>;
  const useAnyRoom = (): ClientRoom => useRoomOf(definition);
  return {
    RoomProvider: createRoomProvider(definition),
    useRoom,
    useQuery: (build, deps) => useQueryOf(useAnyRoom(), build, deps),
    useSuspenseQuery: (build, deps) => useSuspenseQueryOf(useAnyRoom(), build, deps),
    useServerQuery: (asked: unknown, ...rest: readonly unknown[]) => useServerQueryOf(useAnyRoom(), asked, rest) as never, // typed by the interface
    useMutator: (name) => useRoom().mutate[name],
    usePresence() {
      const { presence } = useRoom();
      return [useReadable(presence.mine, () => null), useBound(presence)];
    },
    useOthers: <Selected>(selector?: (others: readonly Other<PresenceOf<Room>>[]) => Selected) => useOthersOf(useRoom().presence, selector),
    useCursors: (ref) => useCursorsOf(useRoom().cursors, ref),
    useDebouncedValue: (name, key) => useDebouncedValueOf(useRoom().value(name, key)),
    useEphemeral(name, key) {
      const states = useRoom().ephemeral(name, key);
      return [useReadable(states.mine, () => null), useBound(states), useOthersOf(states)];
    },
    useConnection: () => useConnectionOf(useAnyRoom()),
    useSyncStatus: () => useSyncStatusOf(useAnyRoom()),
  };
}

const bound = new WeakMap<object, (state: never) => void>();

/** `set` of a shared state as a function of stable identity. */
function useBound<State>(shared: SharedState<State>): (state: State | null) => void {
  const known = bound.get(shared);
  // Kept under its own shared state, so it takes that state.
  if (known !== undefined) return known as (state: State | null) => void;
  const set = (state: State | null): void => shared.set(state);
  bound.set(shared, set);
  return set;
}
