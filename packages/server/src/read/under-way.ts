/** Where something stands among what is under way. */
export interface Place<T> {
  readonly item: T;
  index: number;
}

/**
 * What is under way, so that all of it can be ended. Unlike a Set's, its storage keeps nothing of what was removed: a Set that items come into and go from all the time grows new tables, and those it grew out of,
 * once they are old, hold the items of the newer ones until memory is cleaned up as a whole.
 */
export class UnderWay<T> {
  readonly #places: Place<T>[] = [];

  /** In no order that means anything. */
  get items(): T[] {
    return this.#places.map(({ item }) => item);
  }

  /** @returns what `remove` takes, once. */
  add(item: T): Place<T> {
    const place = { item, index: this.#places.length };
    this.#places.push(place);
    return place;
  }

  /** Idempotent. */
  remove(place: Place<T>): void {
    const { index } = place;
    if (this.#places[index] !== place) return;
    const last = this.#places.pop();
    if (last === undefined || last === place) return;
    last.index = index;
    this.#places[index] = last;
  }
}
