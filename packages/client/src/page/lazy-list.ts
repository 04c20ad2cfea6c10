import { Observable, type Readable } from './observable.ts';

/** A list that is made when somebody looks at it: with thousands of lines, one made at each change would cost more than the changes. */
export class LazyList<Line> implements Readable<readonly Line[]> {
  readonly #make: () => readonly Line[];
  readonly #changes = new Observable(0);
  #lines: readonly Line[] | null = null;
  #isStale = false;

  constructor(make: () => readonly Line[]) {
    this.#make = make;
  }

  readonly subscribe = (listener: () => void): (() => void) => this.#changes.subscribe(listener);

  /** The same until whoever listens was told of a change. */
  readonly getSnapshot = (): readonly Line[] => (this.#lines ??= this.#make());

  /** It has changed. Whoever listens is told once a turn at most. */
  touch(): void {
    if (this.#isStale) return;
    this.#isStale = true;
    queueMicrotask(() => {
      this.#isStale = false;
      this.#lines = null;
      this.#changes.set(this.#changes.getSnapshot() + 1);
    });
  }
}
