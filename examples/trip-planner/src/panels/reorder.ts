import { generateKeyBetween } from 'fractional-indexing';

/** So near to an edge a held row scrolls the list, at most so far in a frame. */
const EDGE_PX = 48;
const SCROLL_MAX_PX = 14;

/** A row with a place in an order: fractional keys compare as text, so a row moves without its neighbours being written. */
export interface Ordered {
  readonly id: string;
  readonly position: string;
}

/**
 * The key that puts the row `id` where `index` is once the row itself is taken out (0 = first). Null where the row is
 * unknown or already there. `rows` is in order.
 */
export function keyForMove(rows: readonly Ordered[], id: string, index: number): string | null {
  const from = rows.findIndex((row) => row.id === id);
  const to = Math.min(rows.length - 1, Math.max(0, index));
  if (from === -1 || from === to) return null;
  const others = rows.filter((row) => row.id !== id);
  return keyBetween(others[to - 1]?.position, others[to]?.position);
}

/** The key for a new last row. */
export const keyAtEnd = (rows: readonly Ordered[]): string => keyBetween(rows.at(-1)?.position, undefined);

/**
 * Rows that were never confirmed may share a key for a moment; between two equals there is nothing, so the new key goes
 * behind both.
 */
function keyBetween(before: string | undefined, after: string | undefined): string {
  return generateKeyBetween(before ?? null, after === undefined || after === before ? null : after);
}

/**
 * Where a dragged row would land: how many of the other rows have their middle above the dragged row's middle.
 * `middles` are those of all rows before the drag, in order; `dy` is how far the dragged one has moved.
 */
export function dropIndex(middles: readonly number[], from: number, dy: number): number {
  const at = (middles[from] ?? 0) + dy;
  return middles.filter((middle, i) => i !== from && middle < at).length;
}

/**
 * How far to scroll in one frame while a row is held at `y`, in pixels: faster the nearer it is to the edge, nothing away from it. `top` and `bottom` are those
 * of what scrolls.
 */
export function edgeSpeed(y: number, top: number, bottom: number): number {
  if (y < top + EDGE_PX) return -Math.min(1, (top + EDGE_PX - y) / EDGE_PX) * SCROLL_MAX_PX;
  if (y > bottom - EDGE_PX) return Math.min(1, (y - bottom + EDGE_PX) / EDGE_PX) * SCROLL_MAX_PX;
  return 0;
}

/** How far a row makes way while another is dragged over it: the dragged row's height, up or down, or nothing. */
export function shiftOf(index: number, from: number, to: number, heightPx: number): number {
  if (index > from && index <= to) return -heightPx;
  if (index < from && index >= to) return heightPx;
  return 0;
}
