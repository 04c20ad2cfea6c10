import type { LimitCounts } from '../../limits/limit-meter.ts';
import type { RoomAddress } from '../../room/room-directory.ts';

/** Limits that a room met, by name. */
export interface RoomLimitsMet {
  /** Of the definition, and the room's id. */
  readonly room: string;
  readonly id: string;
  readonly limitsMet: LimitCounts;
}

/** Figures of a server's process at one moment, as a plain object that JSON carries. Names are added in later versions, none goes. */
export interface ServerMetrics {
  /** Since the server was started. */
  readonly uptimeMs: number;
  /** Open sockets, and those of them that are in no room yet. */
  readonly connections: number;
  readonly connectionsUnwelcomed: number;
  /** Rooms that are open, and sessions in them. */
  readonly openRooms: number;
  readonly sessions: number;
  /**
   * How often each limit was met since the server was started, in all rooms and before any: something was refused, ended, slowed down, put off or dropped
   * because of it. Keys are names of limits, and `messageFragmentsMax` and `changeSetBytesMax`, which are bounds that are no options; one that was never met is missing.
   */
  readonly limitsMet: LimitCounts;
  /** The open rooms that met most limits since they were opened, those first, 20 at most; a room that met none is missing. */
  readonly roomLimitsMet: readonly RoomLimitsMet[];
}

/** A page of figures has a line for each of them: few enough, whatever the number of rooms. */
const ROOMS_MAX = 20;

/** Those that met most. */
export function roomsThatMet(rooms: Iterable<{ readonly address: RoomAddress; readonly limitsMet: LimitCounts }>): RoomLimitsMet[] {
  const met = [...rooms].map(({ address: { name: room, id }, limitsMet }) => ({ room, id, limitsMet, total: totalOf(limitsMet) }));
  return met
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total)
    .slice(0, ROOMS_MAX)
    .map(({ room, id, limitsMet }) => ({ room, id, limitsMet }));
}

const totalOf = (counts: LimitCounts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
