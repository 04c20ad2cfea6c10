import { AlcoveError } from '@alcove/core/error';
import type { StoredRejection } from '../storage/storage.ts';
import type { MutationStatus, TrackedMutation } from './mutation-handle.ts';
import type { MutationLine } from './mutation-line.ts';
import { Observable } from './observable.ts';

/** Kept to be looked at; the oldest are dropped from the list past it. */
const REJECTED_MAX = 1_000;

/** Mutations that came to nothing, until somebody dismisses them: of this page, and of earlier ones as far as they were kept. */
export class RejectedMutations {
  readonly list = new Observable<readonly MutationLine[]>([]);
  /** How lines are called on the disk. */
  readonly #keptAs = new Map<number, string>();

  /** `keptAs`: its name on the disk, where it is kept. */
  add(mutation: TrackedMutation, status: MutationStatus, error: AlcoveError, keptAs: string | null): void {
    if (keptAs !== null) this.#keptAs.set(mutation.callId, keptAs);
    const { callId: key, name, args, nowMs: calledAtMs } = mutation;
    this.#show([...this.list.getSnapshot(), { key, name, args, status, calledAtMs, error }]);
  }

  /** Those of earlier loads of the page, before those of this one. */
  restore(rejections: readonly StoredRejection[], nextKey: () => number): void {
    const lines = rejections.map(({ key: keptAs, mutation, error }): MutationLine => {
      const key = nextKey();
      this.#keptAs.set(key, keptAs);
      const status = error.code === 'client_unknown' || error.code === 'unknown_outcome' ? 'unknown' : 'rejected';
      return { key, name: mutation.name, args: mutation.args, status, calledAtMs: mutation.nowMs, error: AlcoveError.fromBody(error) };
    });
    this.#show([...lines, ...this.list.getSnapshot()]);
  }

  /** Takes a line off; gives its name on the disk. */
  dismiss(key: number): string | null {
    this.list.set(this.list.getSnapshot().filter((line) => line.key !== key));
    const keptAs = this.#keptAs.get(key) ?? null;
    this.#keptAs.delete(key);
    return keptAs;
  }

  #show(lines: readonly MutationLine[]): void {
    for (const { key } of lines.slice(0, -REJECTED_MAX)) this.#keptAs.delete(key);
    this.list.set(lines.slice(-REJECTED_MAX));
  }
}
