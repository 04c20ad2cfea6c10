import type { LimitCounts } from '../../limits/limit-meter.ts';
import type { WorkCounts } from '../../limits/work-meter.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { RoomStats } from '../../room/room-stats.ts';

/** Limits that a room met, by name. */
export interface RoomLimitsMet {
  /** Of the definition, and the room's id. */
  readonly room: string;
  readonly id: string;
  readonly limitsMet: LimitCounts;
}

/** Of all open rooms. Bytes as JSON, about. */
export interface EphemeralSums {
  readonly presence: number;
  readonly cursors: number;
  readonly keys: number;
  readonly bytes: number;
  readonly unwrittenValues: number;
  readonly unwrittenValueBytes: number;
}

/** Figures of a server's process at one moment, as a plain object that JSON carries. Names are added in later versions, none goes. */
export interface ServerMetrics {
  /** Since the server was started. */
  readonly uptimeMs: number;
  /** Open sockets. */
  readonly connections: number;
  /** Sockets, and tabs at followers, that are in no room yet. */
  readonly connectionsUnwelcomed: number;
  /** Rooms that are open. */
  readonly openRooms: number;
  /** Of tabs in them: those with a socket here, and those that came through followers. */
  readonly sessions: number;
  /** Of the sessions, those that came through followers. */
  readonly sessionsRelayed: number;
  /** Followers in the open rooms, each once for every room that it follows: a socket each, and no session. */
  readonly followerLinks: number;
  /**
   * How often each limit was met since the server was started, in all rooms and before any: something was refused, ended, slowed down, put off or dropped
   * because of it. Keys are names of limits, and `messageFragmentsMax` and `changeSetBytesMax`, which are bounds that are no options; one that was never met is missing.
   */
  readonly limitsMet: LimitCounts;
  /** The open rooms that met most limits since they were opened, those first, 20 at most; a room that met none is missing. */
  readonly roomLimitsMet: readonly RoomLimitsMet[];
  /** What all rooms have done since the server was started, those that are closed by now too. */
  readonly work: WorkCounts;
  /** Short-lived state of the open rooms, and values that wait to be written. */
  readonly ephemeral: EphemeralSums;
}

/** A page of figures has a line for each of them: few enough, whatever the number of rooms. */
const ROOMS_MAX = 20;

/** What is counted elsewhere, as it stands. */
type Counted = Pick<ServerMetrics, 'uptimeMs' | 'connections' | 'connectionsUnwelcomed' | 'openRooms' | 'limitsMet' | 'work'>;

export function serverMetrics(counted: Counted, open: readonly OpenRoom[]): ServerMetrics {
  const sum = (of: (stats: RoomStats) => number): number => open.reduce((all, { room: { stats } }) => all + of(stats), 0);
  return {
    ...counted,
    sessions: sum(({ sessions }) => sessions),
    sessionsRelayed: sum(({ sessionsRelayed }) => sessionsRelayed),
    followerLinks: sum(({ followers }) => followers),
    roomLimitsMet: roomsThatMet(open),
    ephemeral: ephemeralSums(open.map(({ room: { stats } }) => stats)),
  };
}

/** A room of the directory's. */
interface OpenRoom {
  readonly address: RoomAddress;
  readonly limitsMet: LimitCounts;
  readonly room: { readonly stats: RoomStats };
}

function ephemeralSums(rooms: readonly RoomStats[]): EphemeralSums {
  const sum = (of: (stats: RoomStats) => number): number => rooms.reduce((all, stats) => all + of(stats), 0);
  return {
    presence: sum(({ stateSizes }) => stateSizes.presence.entries),
    cursors: sum(({ stateSizes }) => stateSizes.cursors.entries),
    keys: sum(({ stateSizes }) => stateSizes.keys.entries),
    bytes: sum(({ stateSizes: { presence, cursors, keys } }) => presence.bytes + cursors.bytes + keys.bytes),
    unwrittenValues: sum(({ unwrittenValues }) => unwrittenValues),
    unwrittenValueBytes: sum(({ unwrittenValueBytes }) => unwrittenValueBytes),
  };
}

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
