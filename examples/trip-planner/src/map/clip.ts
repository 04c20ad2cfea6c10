import type { Box } from './label-placement.ts';
import type { ScreenPoint } from './projection.ts';

/** The part of a segment inside a box, as shares 0…1 of its length (Liang and Barsky's way); null where there is none. */
export function clipSegment(from: ScreenPoint, to: ScreenPoint, box: Box): readonly [number, number] | null {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  let [enter, leave] = [0, 1];
  for (const [towards, room] of [
    [-dx, from.x - box.left],
    [dx, box.right - from.x],
    [-dy, from.y - box.top],
    [dy, box.bottom - from.y],
  ] as const) {
    if (towards === 0) {
      if (room < 0) return null;
    } else if (towards < 0) enter = Math.max(enter, room / towards);
    else leave = Math.min(leave, room / towards);
  }
  return enter < leave ? [enter, leave] : null;
}

/** Points at most `stepPx` apart along the part of a line that is inside the box. */
export function alongLine(line: readonly ScreenPoint[], box: Box, stepPx: number): ScreenPoint[] {
  const points: ScreenPoint[] = [];
  for (const [i, to] of line.entries()) {
    const from = line[i - 1];
    const part = from === undefined ? null : clipSegment(from, to, box);
    if (from === undefined || part === null) continue;
    const length = Math.hypot(to.x - from.x, to.y - from.y) * (part[1] - part[0]);
    const count = Math.max(1, Math.ceil(length / stepPx));
    for (let n = 0; n <= count; n++) {
      const t = part[0] + ((part[1] - part[0]) * n) / count;
      points.push({ x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t });
    }
  }
  return points;
}
