import { AlcoveError } from '@alcove/core/error';
import type { StoredRejection } from '../storage/storage.ts';
import type { TrackedMutation } from './mutation-handle.ts';
import { lineOf, type MutationLine } from './mutation-line.ts';
import { Observable } from './observable.ts';

/** Kept to be looked at; the oldest are dropped from the list past it. */
const REJECTED_MAX = 1_000;

/** Mutations that came to nothing, until somebody dismisses them: of this page, and of earlier ones as far as they were kept. */
export class RejectedMutations {
  readonly list = new Observable<readonly MutationLine[]>([]);
  /** How lines are called on the disk. */
  readonly #keptAs = new Map<number, string>();
  /** Names on the disk of those that were taken off. */
  readonly #dismissed = new Set<string>();

  /** One that has ended. `keptAs`: its name on the disk, where it is kept. */
  add(mutation: TrackedMutation, keptAs: string | null): void {
    if (keptAs !== null) this.#keptAs.set(mutation.callId, keptAs);
    this.#show([...this.list.getSnapshot(), lineOf(mutation)]);
  }

  /** Those of earlier loads of the page, before those of this one. Gives the names of those that were dismissed here, of which the disk did not hear. */
  restore(rejections: readonly StoredRejection[], nextKey: () => number): string[] {
    const known = new Set([...this.#keptAs.values(), ...this.#dismissed]);
    const fresh = rejections.filter(({ key }) => !known.has(key));
    const lines = fresh.map(({ key: keptAs, mutation, error, atMs: decidedAtMs }): MutationLine => {
      const key = nextKey();
      this.#keptAs.set(key, keptAs);
      const { name, args, nowMs: calledAtMs } = mutation;
      const status = error.code === 'client_unknown' || error.code === 'unknown_outcome' ? 'unknown' : 'rejected';
      return { key, name, args, status, calledAtMs, decidedAtMs, attempts: 0, error: AlcoveError.fromBody(error) };
    });
    this.#show([...lines, ...this.list.getSnapshot()]);
    return rejections.map(({ key }) => key).filter((key) => this.#dismissed.has(key));
  }

  /** Takes a line off; gives its name on the disk. */
  dismiss(key: number): string | null {
    this.list.set(this.list.getSnapshot().filter((line) => line.key !== key));
    const keptAs = this.#keptAs.get(key) ?? null;
    this.#keptAs.delete(key);
    if (keptAs !== null) this.#noteDismissed(keptAs);
    return keptAs;
  }

  /** Of the first, more than there can be lines, the disk has heard long ago. */
  #noteDismissed(keptAs: string): void {
    this.#dismissed.add(keptAs);
    const [oldest] = this.#dismissed;
    if (this.#dismissed.size > REJECTED_MAX && oldest !== undefined) this.#dismissed.delete(oldest);
  }

  wasDismissed(keptAs: string): boolean {
    return this.#dismissed.has(keptAs);
  }

  #show(lines: readonly MutationLine[]): void {
    for (const { key } of lines.slice(0, -REJECTED_MAX)) this.#keptAs.delete(key);
    this.list.set(lines.slice(-REJECTED_MAX));
  }
}
