import type { AnsweredRoom } from './answered-rooms.ts';

/** A read that took long, or was ended for it. */
export interface SlowRead {
  readonly replica: string | null;
  readonly room: AnsweredRoom;
  /** From the question to the answer. */
  readonly tookMs: number;
  /** It was ended by its time limit. */
  readonly timedOut: boolean;
  /** Its beginning, without parameters. */
  readonly sql: string;
  /** Wall time of the answer. */
  readonly atMs: number;
}

/** A shorter one is not slow to anybody. */
const SLOW_FROM_MS = 100;
const READS_MAX = 20;
const SQL_CHARACTERS_MAX = 200;
const KEPT_MS = 10 * 60_000;

/** The slowest reads of the last ten minutes, for whoever looks into why. */
export class SlowReads {
  #reads: SlowRead[] = [];

  add(read: SlowRead): void {
    if (read.tookMs < SLOW_FROM_MS && !read.timedOut) return;
    const kept = [...this.list(read.atMs), { ...read, tookMs: Math.round(read.tookMs), sql: read.sql.slice(0, SQL_CHARACTERS_MAX) }];
    this.#reads = kept.sort((a, b) => b.tookMs - a.tookMs).slice(0, READS_MAX);
  }

  /** The slowest first. */
  list(nowMs: number): readonly SlowRead[] {
    return this.#reads.filter(({ atMs }) => nowMs - atMs < KEPT_MS);
  }
}
