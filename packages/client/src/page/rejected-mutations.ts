import { AlcoveError } from '@alcove/core/error';
import type { StoredRejection } from '../storage/storage.ts';
import type { RejectionsOnDisk } from '../sync/engine-storage.ts';
import type { TrackedMutation } from './mutation-handle.ts';
import { lineOf, type MutationLine } from './mutation-line.ts';
import { Observable } from './observable.ts';

/** Kept to be looked at; the oldest are dropped from the list past it. */
const REJECTED_MAX = 1_000;

/** Mutations that came to nothing, until somebody dismisses them: of this page, and of earlier ones and other tabs as far as they are kept. */
export class RejectedMutations {
  readonly list = new Observable<readonly MutationLine[]>([]);
  /** How lines are called on the disk. */
  readonly #keptAs = new Map<number, string>();
  /** Names of those that are known to be on the disk. */
  #onDisk = new Set<string>();
  /** Names on the disk of those that were taken off. */
  readonly #dismissed = new Set<string>();
  readonly #dismissAgain: (keys: readonly string[]) => void;

  /** `dismissAgain`: takes what was dismissed here off the disk, which did not hear of that. */
  constructor(dismissAgain: (keys: readonly string[]) => void) {
    this.#dismissAgain = dismissAgain;
  }

  /**
   * One that has ended. `keptAs`: its name on the disk, where it is kept. It may have been told before: a worker that died before its disk had heard of the end is followed by one that finds the mutation
   * pending, and it ends again. The disk has the last word of it alone, and so has the list; a rejection that was dismissed stays so.
   */
  add(mutation: TrackedMutation, keptAs: string | null): void {
    if (keptAs === null) return this.#show([...this.list.getSnapshot(), lineOf(mutation)]);
    if (mutation.status === 'rejected' && this.#dismissed.has(keptAs)) return this.#dismissAgain([keptAs]);
    const others = this.#without(new Set([keptAs]));
    this.#keptAs.set(mutation.callId, keptAs);
    this.#show([...others, lineOf(mutation)]);
  }

  /** The disk has them. */
  written(keys: readonly string[]): void {
    for (const key of keys) this.#onDisk.add(key);
  }

  /**
   * Those of earlier loads of the page and of other tabs, in the order of time. Where `onDisk` is all that the disk has, what was there before and is not any more
   * is taken off.
   */
  restore(rejections: readonly StoredRejection[], nextKey: () => number, onDisk?: RejectionsOnDisk): void {
    const known = new Set([...this.#keptAs.values(), ...this.#dismissed]);
    const fresh = rejections.filter(({ key }) => !known.has(key));
    const lines = fresh.map(({ key: keptAs, mutation, error, atMs: decidedAtMs }): MutationLine => {
      const key = nextKey();
      this.#keptAs.set(key, keptAs);
      const { name, args, nowMs: calledAtMs } = mutation;
      const status = error.code === 'client_unknown' || error.code === 'unknown_outcome' ? 'unknown' : 'rejected';
      return { key, name, args, status, calledAtMs, decidedAtMs, attempts: 0, error: AlcoveError.fromBody(error) };
    });
    if (lines.length > 0) this.#show([...lines, ...this.list.getSnapshot()].sort((a, b) => (a.decidedAtMs ?? 0) - (b.decidedAtMs ?? 0)));
    this.#sawDisk(rejections, onDisk);
    const dismissed = rejections.map(({ key }) => key).filter((key) => this.#dismissed.has(key));
    if (dismissed.length > 0) this.#dismissAgain(dismissed);
  }

  #sawDisk(rejections: readonly StoredRejection[], onDisk: RejectionsOnDisk | undefined): void {
    if (onDisk === undefined) return this.written(rejections.map(({ key }) => key));
    const now = new Set(onDisk.keys);
    if (!onDisk.isAnew) this.takeOff([...this.#onDisk].filter((key) => !now.has(key)));
    this.#onDisk = now;
  }

  /** Another tab dismissed them: they do not come back, however late somebody tells of them. */
  takeOff(keys: readonly string[]): void {
    const left = this.#without(new Set(keys));
    for (const key of keys) this.#noteDismissed(key);
    this.list.set(left);
  }

  /** The lines but those of these names on the disk, which are forgotten. */
  #without(gone: ReadonlySet<string>): readonly MutationLine[] {
    const lines = this.list.getSnapshot();
    const left = lines.filter(({ key }) => !gone.has(this.#keptAs.get(key) ?? ''));
    for (const [key, keptAs] of this.#keptAs) if (gone.has(keptAs)) this.#keptAs.delete(key);
    return left.length < lines.length ? left : lines;
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
    this.#onDisk.delete(keptAs);
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
