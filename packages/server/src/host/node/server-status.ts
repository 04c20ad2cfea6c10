import type { RouterSnapshot } from '../../read/router-snapshot.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { RoomStats } from '../../room/room-stats.ts';
import type { MirrorStatus } from './mirror-process.ts';
import type { ServerMetrics } from './server-metrics.ts';

/** What a page of figures is made of, as JSON. Names are added in later versions, none goes. */
export interface ServerStatus {
  readonly status: 'ok' | 'draining';
  /** Wall time of the figures. */
  readonly atMs: number;
  readonly process: ProcessFigures;
  readonly metrics: ServerMetrics;
  /** Reads on the server: who answers them, and how well. */
  readonly reads: RouterSnapshot;
  /** How the copy in PostgreSQL is kept in step; null: there is none. */
  readonly mirror: MirrorStatus | null;
  /** Those open that have most sessions, those first, 200 at most; `metrics.openRooms` says how many there are. */
  readonly rooms: readonly RoomFigures[];
}

export interface ProcessFigures {
  readonly node: string;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** CPU time since the start of the process. */
  readonly cpuMs: number;
}

/** One open room. */
export interface RoomFigures {
  readonly room: string;
  readonly id: string;
  readonly historyId: string;
  readonly version: number;
  readonly floor: number;
  readonly logBytes: number;
  /** Of tabs, those that came through followers among them. */
  readonly sessions: number;
  readonly sessionsRelayed: number;
  /** Servers that follow it. */
  readonly followers: number;
  /** Sessions and followers that are being caught up, and those that load a snapshot. */
  readonly behind: number;
  readonly hydrating: number;
  readonly queuedMutations: number;
  readonly unwrittenValues: number;
  /** Presence, cursors and ephemeral keys. */
  readonly states: number;
  /** The same by kind, with bytes. */
  readonly stateSizes: RoomStats['stateSizes'];
  readonly unwrittenValueBytes: number;
  /** What it has done since it was opened. */
  readonly work: RoomStats['work'];
}

/** A page of figures is fetched every second or two: so many rooms are some 40 KB. */
const ROOMS_MAX = 200;

/** The busiest. */
export const busiestRooms = (rooms: Iterable<{ readonly address: RoomAddress; readonly stats: RoomStats }>): RoomFigures[] =>
  [...rooms]
    .sort((a, b) => b.stats.sessions - a.stats.sessions || b.stats.version - a.stats.version)
    .slice(0, ROOMS_MAX)
    .map(({ address: { name: room, id }, stats }) => ({
      room,
      id,
      historyId: stats.historyId,
      version: stats.version,
      floor: stats.floor,
      logBytes: stats.logBytes,
      sessions: stats.sessions,
      sessionsRelayed: stats.sessionsRelayed,
      followers: stats.followers,
      behind: stats.behind,
      hydrating: stats.hydrating,
      queuedMutations: stats.queuedMutations,
      unwrittenValues: stats.unwrittenValues,
      states: stats.states,
      stateSizes: stats.stateSizes,
      unwrittenValueBytes: stats.unwrittenValueBytes,
      work: stats.work,
    }));

export const processFigures = (): ProcessFigures => {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { node: process.version, residentBytes: rss, heapBytes: heapUsed, cpuMs: Math.round((user + system) / 1_000) };
};
