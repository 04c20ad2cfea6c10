import type { ClientRoom, MutationHandle, MutationLine, SyncStatus } from '@alcove/client';
import type { AlcoveError } from '@alcove/core/error';
import { useMemo, useRef, useSyncExternalStore } from 'react';
import { shallowEqual } from './use-others.ts';
import { useReadable } from './use-readable.ts';

/** What `useConnection` gives. */
export interface ConnectionStatus {
  /** See `SyncStatus.connection`. */
  readonly state: SyncStatus['connection'];
  /** What ended the last connection or attempt; null while there is a connection. */
  readonly error: AlcoveError | null;
  /** Wall time of the next attempt, in ms. */
  readonly retryAtMs: number | null;
  /** Tries at once: after `disconnect`, `failed` and `needs_auth`, or instead of waiting. */
  reconnect(): void;
  /** Ends the connection and makes none until `reconnect`. */
  disconnect(): void;
}

/** What `useSyncStatus` gives. */
export interface RoomSyncStatus extends SyncStatus {
  /** Not yet decided by the room, oldest first. */
  readonly pending: readonly MutationLine[];
  /** What other tabs of this browser have pending in this room, the oldest 100; `pendingElsewhereCount` has their number. */
  readonly pendingElsewhere: readonly MutationLine[];
  /** The newest 100 that the room applied since this page was loaded, in the order they were. */
  readonly applied: readonly MutationLine[];
  /** Those that came to nothing, or whose outcome is unknown, until dismissed; at most 1,000, the oldest go first. */
  readonly rejected: readonly MutationLine[];
  /** Takes a line off `rejected`, by its key. */
  dismiss(key: number): void;
  /** Calls the mutation of a line of `rejected` again, as a new one, and takes the line off; null where it is gone. */
  retry(key: number): MutationHandle | null;
  /** Takes `lostOutbox` off. */
  dismissLostOutbox(): void;
}

const nothing: readonly never[] = [];

/** The connection alone: renders again only when it changes, not with every version. */
export function useConnectionOf(room: ClientRoom): ConnectionStatus {
  const last = useRef<{ state: SyncStatus['connection']; error: AlcoveError | null; retryAtMs: number | null } | null>(null);
  const getSnapshot = () => {
    const { connection: state, error, retryAtMs } = room.status.getSnapshot();
    const next = { state, error, retryAtMs };
    if (!shallowEqual(last.current, next)) last.current = next;
    return last.current ?? next;
  };
  const connection = useSyncExternalStore(room.status.subscribe, getSnapshot, getSnapshot);
  return useMemo(() => ({ ...connection, reconnect: () => room.reconnect(), disconnect: () => room.disconnect() }), [connection, room]);
}

/** Everything about how far this tab and the room agree, with its undecided and rejected mutations. */
export function useSyncStatusOf(room: ClientRoom): RoomSyncStatus {
  const status = useReadable(room.status);
  const pending = useReadable(room.pending, () => nothing);
  const pendingElsewhere = useReadable(room.pendingElsewhere, () => nothing);
  const applied = useReadable(room.applied, () => nothing);
  const rejected = useReadable(room.rejected, () => nothing);
  const calls = useMemo(
    () => ({
      dismiss: (key: number) => room.dismiss(key),
      retry: (key: number) => room.retry(key),
      dismissLostOutbox: () => room.dismissLostOutbox(),
    }),
    [room],
  );
  return useMemo(
    () => ({ ...status, pending, pendingElsewhere, applied, rejected, ...calls }),
    [status, pending, pendingElsewhere, applied, rejected, calls],
  );
}
