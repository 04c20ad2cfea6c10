import type { ElsewhereNotice } from '../sync/engine-storage.ts';
import { rejectionKey } from '../sync/engine-storage.ts';
import type { MutationLine } from './mutation-line.ts';
import { Observable } from './observable.ts';

/** Mutations of other tabs of this browser that the room has not decided, as far as this tab heard of them. */
export class PendingElsewhere {
  /** The oldest of them. */
  readonly list = new Observable<readonly MutationLine[]>([]);
  readonly #keys = new Map<string, number>();
  #lastKey = 0;
  #count = 0;

  /** All of them. */
  get count(): number {
    return this.#count;
  }

  hear({ count, oldest }: ElsewhereNotice): void {
    this.#count = count;
    const names = new Set(oldest.map(rejectionKey));
    for (const name of this.#keys.keys()) if (!names.has(name)) this.#keys.delete(name);
    this.list.set(
      oldest.map((mutation) => {
        const { name, args, nowMs: calledAtMs } = mutation;
        return {
          key: this.#keyOf(rejectionKey(mutation)),
          name,
          args,
          status: 'pending',
          calledAtMs,
          decidedAtMs: null,
          attempts: 0,
          error: null,
        };
      }),
    );
  }

  /** Below zero: other than that of every line of the page's own. */
  #keyOf(name: string): number {
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    this.#lastKey -= 1;
    this.#keys.set(name, this.#lastKey);
    return this.#lastKey;
  }

  clear(): void {
    this.hear({ type: 'elsewhere', count: 0, oldest: [] });
  }
}
