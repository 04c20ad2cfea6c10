import type { LimitCounts } from '../limits/limit-meter.ts';
import type { WorkCounts } from '../limits/work-meter.ts';
import type { Admission } from './admission.ts';
import type { Connections } from './connections.ts';
import type { StateSizes } from './ephemeral-state.ts';
import type { RoomParts } from './room-parts.ts';

/** How a room is at one moment. */
export interface RoomStats {
  /** Which history of the room this is: another one after a restore, an import, a lost tail. */
  readonly historyId: string;
  /** Last version written, last one durable, and the log's floor. */
  readonly version: number;
  readonly durable: number;
  readonly floor: number;
  /** Bytes of records in the change log. */
  readonly logBytes: number;
  /** Of tabs in the room, those that came through followers among them. */
  readonly sessions: number;
  /** Of them, those that came through followers. */
  readonly sessionsRelayed: number;
  /** Servers that follow the room: each has a session of its own, which is none of the above. */
  readonly followers: number;
  /** Sessions and followers that are caught up from the log, and those whose snapshot is on its way. */
  readonly behind: number;
  readonly hydrating: number;
  /** Mutations that wait for a commit, and their bytes. */
  readonly queuedMutations: number;
  readonly queuedBytes: number;
  /** Handed to the gate and not yet durable. */
  readonly waitingAtGate: number;
  readonly unwrittenValues: number;
  /** What those take in memory. */
  readonly unwrittenValueBytes: number;
  /** Presence, cursors and ephemeral keys. */
  readonly states: number;
  /** The same by kind, with what they take in memory. */
  readonly stateSizes: StateSizes;
  /** What it has done since it was opened. `valueUpdates` − `valueWrites` − `unwrittenValues` is about what debouncing has saved of writes. */
  readonly work: WorkCounts;
  /** How often each limit of the room was met since it was opened, by name; see `server.metrics()`. */
  readonly limitsMet: LimitCounts;
  /** Nobody is in, nothing waits: the room may be closed without anybody noticing. */
  readonly isIdle: boolean;
}

/** Live figures of a room: a host reads one of them after every flush, so none may cost for the others. */
export function statsOf(parts: RoomParts, admission: Admission, connections: Connections): RoomStats {
  const { log, gate, values, historyId, meter, work } = parts;
  const { sessions, ephemeral } = connections;
  const { stream, rows } = connections.feeds;
  return live<RoomStats>({
    historyId: () => historyId,
    version: () => log.head.version,
    durable: () => gate.durable,
    floor: () => log.floor.version,
    logBytes: () => log.bytes,
    sessions: () => sessions.tabs,
    sessionsRelayed: () => sessions.relayed,
    followers: () => sessions.followers,
    behind: () => stream.behind,
    hydrating: () => [...sessions].filter(({ state }) => state.phase === 'rows' || state.phase === 'image').length,
    queuedMutations: () => admission.size,
    queuedBytes: () => admission.bytes,
    waitingAtGate: () => gate.waiting,
    unwrittenValues: () => values.unwritten,
    unwrittenValueBytes: () => values.unwrittenBytes,
    states: () => ephemeral.entries,
    stateSizes: () => ephemeral.sizes,
    work: () => work.counts(),
    limitsMet: () => meter.counts(),
    isIdle: () => sessions.size === 0 && !admission.wantsFlush && gate.waiting === 0 && values.unwritten === 0 && rows.active === 0,
  });
}

/** An object whose properties are found out when they are read. */
function live<T extends object>(figures: { readonly [Name in keyof T]: () => T[Name] }): T {
  const properties = Object.entries<() => unknown>(figures).map(([name, get]) => [name, { enumerable: true, get }]);
  return Object.defineProperties({}, Object.fromEntries(properties)) as T; // one for each of its names
}
