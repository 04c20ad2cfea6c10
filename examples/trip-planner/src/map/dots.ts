import { type CityIndex, forEachRun, type WorldBox } from './city-index.ts';

/** Pixels to draw into: one 32-bit word each, little-endian RGBA, as canvas ImageData holds them. */
export interface Sheet {
  readonly pixels: Uint32Array;
  readonly width: number;
  readonly height: number;
}

/** World to sheet: `px = (x - originX) * scale`, in device pixels. */
export interface SheetTransform {
  readonly originX: number;
  readonly originY: number;
  readonly scale: number;
}

/**
 * How a city of a weight (0…1) is drawn: radius in device pixels, how much ink a dot lays down, and up to which darkness
 * dots of this weight may add up (both 0…1). A ceiling below full keeps a crowd of towns a tone in which a city still shows.
 */
export interface DotStyle {
  radius(weight: number): number;
  ink(weight: number): number;
  ceiling(weight: number): number;
}

const RADIUS_STEPS_PER_PX = 5;
const RADIUS_MAX_PX = 16;
/** Dots sit on quarters of a pixel: enough that a slow pan does not make them swim. */
const QUARTERS = 4;
const WEIGHT_STEPS = 255;

interface Stamp {
  readonly half: number;
  readonly side: number;
  /** Coverage 0…255, row by row. */
  readonly mask: Uint8Array;
}

const stamps = new Map<number, Stamp>();

function drawStamp(radius: number, dx: number, dy: number): Stamp {
  const half = Math.ceil(radius + 1);
  const side = 2 * half + 1;
  const mask = new Uint8Array(side * side);
  // A disc smaller than a pixel keeps its area's worth of ink instead of its shape.
  const faint = Math.min(1, radius * 2);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const distance = Math.hypot(column - half - dx, row - half - dy);
      mask[row * side + column] = Math.round(255 * faint * Math.min(1, Math.max(0, radius - distance + 0.5)));
    }
  }
  return { half, side, mask };
}

function stampFor(radiusStep: number, quarterX: number, quarterY: number): Stamp {
  const key = (radiusStep * QUARTERS + quarterX) * QUARTERS + quarterY;
  const known = stamps.get(key);
  if (known !== undefined) return known;
  const stamp = drawStamp(radiusStep / RADIUS_STEPS_PER_PX, quarterX / QUARTERS, quarterY / QUARTERS);
  stamps.set(key, stamp);
  return stamp;
}

/** Lays one stamp over the sheet: ink adds to ink, up to the ceiling. Cut at the sheet's edges. */
function press(sheet: Sheet, stamp: Stamp, x: number, y: number, ink: number, ceiling: number, color: number): void {
  const { pixels, width, height } = sheet;
  const { half, side, mask } = stamp;
  const [left, top] = [x - half, y - half];
  const firstRow = Math.max(0, -top);
  const lastRow = Math.min(side, height - top);
  const firstColumn = Math.max(0, -left);
  const lastColumn = Math.min(side, width - left);
  for (let row = firstRow; row < lastRow; row++) {
    let target = (top + row) * width + left + firstColumn;
    let source = row * side + firstColumn;
    for (let column = firstColumn; column < lastColumn; column++, target++, source++) {
      const cover = ((mask[source] ?? 0) * ink) >> 8;
      const there = (pixels[target] ?? 0) >>> 24;
      if (cover === 0 || there >= ceiling) continue;
      const alpha = there + (((ceiling - there) * cover + 127) >> 8);
      pixels[target] = ((alpha << 24) | color) >>> 0;
    }
  }
}

/**
 * Draws every city of the box. `rgb` is 0xBBGGRR. Nothing is cleared before.
 * Written for a frame's budget: flat arrays, tables instead of calls per dot.
 */
export function drawDots(index: CityIndex, box: WorldBox, sheet: Sheet, transform: SheetTransform, style: DotStyle, rgb: number): void {
  const radiusSteps = new Uint8Array(WEIGHT_STEPS + 1);
  const inks = new Uint16Array(WEIGHT_STEPS + 1);
  const ceilings = new Uint8Array(WEIGHT_STEPS + 1);
  for (let step = 0; step <= WEIGHT_STEPS; step++) {
    const radius = Math.min(RADIUS_MAX_PX, style.radius(step / WEIGHT_STEPS));
    radiusSteps[step] = Math.max(1, Math.round(radius * RADIUS_STEPS_PER_PX));
    inks[step] = Math.round(256 * style.ink(step / WEIGHT_STEPS));
    ceilings[step] = Math.round(255 * style.ceiling(step / WEIGHT_STEPS));
  }
  const { originX, originY, scale } = transform;
  const { x, y, weight } = index;
  const outside = RADIUS_MAX_PX + 1;
  forEachRun(index, box, (from, to, shift) => {
    for (let i = from; i < to; i++) {
      const px = ((x[i] ?? 0) + shift - originX) * scale;
      const py = ((y[i] ?? 0) - originY) * scale;
      if (px < -outside || py < -outside || px > sheet.width + outside || py > sheet.height + outside) continue;
      const [wholeX, wholeY] = [Math.floor(px), Math.floor(py)];
      const step = Math.round((weight[i] ?? 0) * WEIGHT_STEPS);
      const stamp = stampFor(radiusSteps[step] ?? 1, Math.floor((px - wholeX) * QUARTERS), Math.floor((py - wholeY) * QUARTERS));
      press(sheet, stamp, wholeX, wholeY, inks[step] ?? 0, ceilings[step] ?? 255, rgb);
    }
  });
}
