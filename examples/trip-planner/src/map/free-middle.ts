import type { Box } from './label-placement.ts';
import type { ScreenPoint, Size } from './projection.ts';

/** The middle of the largest part of the view beside, above or below everything that covers it; of the whole view where nothing does, or everything. */
export function freeMiddle({ width, height }: Size, covers: readonly Box[]): ScreenPoint {
  const whole: Box = { left: 0, top: 0, right: width, bottom: height };
  const seen = covers.filter((box) => box.right > 0 && box.bottom > 0 && box.left < width && box.top < height);
  if (seen.length === 0) return middleOf(whole);
  const all: Box = {
    left: Math.min(...seen.map((box) => box.left)),
    top: Math.min(...seen.map((box) => box.top)),
    right: Math.max(...seen.map((box) => box.right)),
    bottom: Math.max(...seen.map((box) => box.bottom)),
  };
  const parts: Box[] = [
    { ...whole, right: all.left },
    { ...whole, left: all.right },
    { ...whole, bottom: all.top },
    { ...whole, top: all.bottom },
  ];
  const best = parts.reduce((a, b) => (areaOf(b) > areaOf(a) ? b : a));
  return middleOf(areaOf(best) > 0 ? best : whole);
}

/** Whether a point is in the view and at least `airPx` from its edges and from everything that covers it. */
export function isFree({ x, y }: ScreenPoint, { width, height }: Size, covers: readonly Box[], airPx: number): boolean {
  const inside = x >= airPx && y >= airPx && x <= width - airPx && y <= height - airPx;
  return inside && covers.every((box) => x < box.left - airPx || x > box.right + airPx || y < box.top - airPx || y > box.bottom + airPx);
}

const middleOf = ({ left, top, right, bottom }: Box): ScreenPoint => ({ x: (left + right) / 2, y: (top + bottom) / 2 });
const areaOf = ({ left, top, right, bottom }: Box): number => Math.max(0, right - left) * Math.max(0, bottom - top);
