import type { ErrorCode } from '@alcove/core/error';

/** How often each code was met: codes are a closed list, so this is bounded. */
export class CodeCounts {
  readonly #counts = new Map<ErrorCode, number>();

  add(code: ErrorCode): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
  }

  toObject(): Readonly<Partial<Record<ErrorCode, number>>> {
    return Object.fromEntries(this.#counts);
  }
}

/** What a router has done since it began; counters only grow. */
export interface RouterCounts {
  /** Reads that were asked for. */
  reads: number;
  answered: number;
  /** Of the answered: by replicas other than the primary's readers. */
  byReplicas: number;
  /** Reads that the primary's readers were asked for although replicas are there for them. */
  fallbacks: number;
  /** Asked once more, elsewhere, because a replica could not be had. */
  retries: number;
  /** Reads that waited for a replica to reach their version. */
  waited: number;
  /** Of those that did not wait although there was time: too many did. */
  unwaited: number;
}

export const noCounts = (): RouterCounts => ({ reads: 0, answered: 0, byReplicas: 0, fallbacks: 0, retries: 0, waited: 0, unwaited: 0 });
