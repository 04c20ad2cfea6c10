import type { ReplicaLag } from '../../read/replica.ts';
import type { PgPosition } from './pg-position.ts';

/** Why a PostgreSQL is no standby of the primary; null: it is, or the primary cannot be asked. */
export function whyNotReplica(position: PgPosition, primary: PgPosition | null): string | null {
  if (primary === null) return null;
  if (position.system !== primary.system) return `it is of cluster ${position.system}, and the primary of ${primary.system}`;
  if (!position.isStandby)
    return position.lsn === primary.lsn && position.timeline === primary.timeline ? null : 'it is a primary of its own now';
  if (position.timeline > primary.timeline) return `it follows timeline ${position.timeline}, and the primary writes ${primary.timeline}`;
  // Right after a promote a standby that follows may not know its timeline yet; one that has more than the new primary does not follow it.
  return position.timeline < primary.timeline && position.lsn > primary.lsn ? `it stayed on timeline ${position.timeline}` : null;
}

interface Sample {
  readonly atMs: number;
  readonly lsn: bigint;
}

const SAMPLES_MAX = 32;

/** How old what a standby applied last is, by what was seen of its primary: `pg_last_xact_replay_timestamp` alone grows also while there is nothing to apply. */
export class StandbyLag {
  readonly #samples: Sample[] = [];
  #timeline: string | null = null;

  /** The primary stood there at that time; null: it cannot be asked, and what it had last counts. */
  saw(primary: PgPosition | null, atMs: number): void {
    if (primary === null) return;
    const timeline = `${primary.system}/${primary.timeline}`;
    if (timeline !== this.#timeline) this.#samples.length = 0;
    this.#timeline = timeline;
    this.#samples.push({ atMs, lsn: primary.lsn });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  isLevel({ lsn }: PgPosition): boolean {
    const last = this.#samples.at(-1);
    return last !== undefined && lsn >= last.lsn;
  }

  of(position: PgPosition, nowMs: number): ReplicaLag {
    if (this.isLevel(position)) return { versions: 0, ms: 0 };
    const had = this.#samples.findLast(({ lsn }) => position.lsn >= lsn);
    const sinceMs = had === undefined ? Number.POSITIVE_INFINITY : nowMs - had.atMs;
    const ms = Math.min(position.replayAgeMs ?? Number.POSITIVE_INFINITY, sinceMs);
    return { versions: 0, ms: Number.isFinite(ms) ? ms : nowMs };
  }
}
