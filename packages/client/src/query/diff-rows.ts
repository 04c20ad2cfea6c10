import { keyText, sameRow } from '@alcove/core/change/row-key';
import type { Row } from '@alcove/core/sqlite/database';
import type { PatchPart } from './rows-patch.ts';

/**
 * How `next` is made of `previous`; null where they are the same. Rows that are equal to the byte are kept, wherever they moved to; each at most once.
 * Linear in the rows; those before the first and behind the last difference cost a comparison only.
 */
export function diffRows(previous: readonly Row[], next: readonly Row[]): PatchPart[] | null {
  const shorter = Math.min(previous.length, next.length);
  let head = 0;
  while (head < shorter && isSame(previous[head], next[head])) head += 1;
  if (head === previous.length && head === next.length) return null;
  let tail = 0;
  while (tail < shorter - head && isSame(previous[previous.length - 1 - tail], next[next.length - 1 - tail])) tail += 1;
  const parts = new Parts();
  parts.keep(0, head);
  diffMiddle(previous, next, head, tail, parts);
  parts.keep(previous.length - tail, tail);
  return parts.done();
}

const isSame = (a: Row | undefined, b: Row | undefined): boolean => a !== undefined && b !== undefined && sameRow(a, b);

function diffMiddle(previous: readonly Row[], next: readonly Row[], head: number, tail: number, parts: Parts): void {
  const kept = new Map<string, number[]>();
  const all = (next[0] ?? previous[0] ?? []).map((_, position) => position);
  // From the back, so that the first of equal rows is taken first.
  for (let index = previous.length - tail - 1; index >= head; index -= 1) {
    const text = keyText(previous[index] ?? [], all);
    const places = kept.get(text);
    if (places === undefined) kept.set(text, [index]);
    else places.push(index);
  }
  for (let index = head; index < next.length - tail; index += 1) {
    const row = next[index] ?? [];
    const place = kept.size === 0 ? undefined : kept.get(keyText(row, all))?.pop();
    if (place === undefined) parts.insert(row);
    else parts.keep(place, 1);
  }
}

/** Collects parts, joining neighbours. */
class Parts {
  readonly #parts: PatchPart[] = [];
  #from = 0;
  #count = 0;
  #rows: Row[] = [];

  keep(from: number, count: number): void {
    if (count === 0) return;
    this.#flushRows();
    if (this.#count > 0 && this.#from + this.#count === from) {
      this.#count += count;
      return;
    }
    this.#flushKept();
    this.#from = from;
    this.#count = count;
  }

  insert(row: Row): void {
    this.#flushKept();
    this.#rows.push(row);
  }

  done(): PatchPart[] {
    this.#flushRows();
    this.#flushKept();
    return this.#parts;
  }

  #flushKept(): void {
    if (this.#count > 0) this.#parts.push({ from: this.#from, count: this.#count });
    this.#count = 0;
  }

  #flushRows(): void {
    if (this.#rows.length > 0) this.#parts.push({ rows: this.#rows });
    this.#rows = [];
  }
}
