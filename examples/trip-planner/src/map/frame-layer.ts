import { formatDegrees, graticule, type GraticuleLine, scaleBar } from './graticule.ts';
import type { Ink } from './ink.ts';
import type { Box } from './label-placement.ts';
import type { Camera, ScreenPoint, Size } from './projection.ts';
import { fontOf, textWidth } from './text.ts';

/** The sheet's edge outside the neatline: room for the degrees. */
const LABEL_BAND_PX = 19;
const SCALE_BAND_PX = 4;
const SCALE_BAR_MAX_PX = 150;

/** How far the frame reaches into the view on each side. `slim` leaves out the degrees: on a phone each pixel is map. */
export const frameBand = (slim: boolean): number => (slim ? 0 : LABEL_BAND_PX) + SCALE_BAND_PX + 2;

/**
 * The neatline: the map's edge, divided like a ruler into bands that change with every line of the graticule,
 * with its degrees outside. Painted over the map.
 */
export function paintFrame(context: CanvasRenderingContext2D, camera: Camera, size: Size, ink: Ink, slim: boolean): void {
  const label = slim ? 0 : LABEL_BAND_PX;
  const band = frameBand(slim);
  const { width, height } = size;
  context.fillStyle = ink.paper;
  context.fillRect(0, 0, width, band);
  context.fillRect(0, height - band, width, band);
  context.fillRect(0, 0, band, height);
  context.fillRect(width - band, 0, band, height);
  context.strokeStyle = ink.frame;
  context.lineWidth = 1;
  context.strokeRect(label + 0.5, label + 0.5, width - 2 * label - 1, height - 2 * label - 1);
  context.strokeRect(band - 0.5, band - 0.5, width - 2 * band + 1, height - 2 * band + 1);
  const { meridians, parallels, stepDegrees } = graticule(camera, size);
  context.fillStyle = ink.frame;
  for (const [from, to] of darkBands(meridians, stepDegrees, band, width - band)) {
    context.fillRect(from, label + 1, to - from, SCALE_BAND_PX);
    context.fillRect(from, height - label - SCALE_BAND_PX - 1, to - from, SCALE_BAND_PX);
  }
  for (const [from, to] of darkBands(parallels, stepDegrees, band, height - band)) {
    context.fillRect(label + 1, from, SCALE_BAND_PX, to - from);
    context.fillRect(width - label - SCALE_BAND_PX - 1, from, SCALE_BAND_PX, to - from);
  }
  if (!slim) paintDegrees(context, meridians, parallels, size, ink, band);
}

/** Every second interval between neighbouring lines is dark; which ones follows from the degrees, so a pan does not flip them. */
function darkBands(lines: readonly GraticuleLine[], step: number, from: number, to: number): [number, number][] {
  const sorted = [...lines].sort((a, b) => a.at - b.at);
  const first = sorted[0];
  if (first === undefined) return [];
  const dark = ({ degrees }: GraticuleLine) => Math.round(degrees / step + 1e-6) % 2 === 0;
  const bands: [number, number][] = [];
  const add = (a: number, b: number) => {
    const [low, high] = [Math.max(from, a), Math.min(to, b)];
    if (high > low) bands.push([low, high]);
  };
  // A meridian's band lies east of it, a parallel's south of it; before the first line the band is the other kind.
  if (!dark(first)) add(from, first.at);
  for (const [i, current] of sorted.entries()) if (dark(current)) add(current.at, sorted[i + 1]?.at ?? to);
  return bands;
}

function paintDegrees(
  context: CanvasRenderingContext2D,
  meridians: readonly GraticuleLine[],
  parallels: readonly GraticuleLine[],
  size: Size,
  ink: Ink,
  band: number,
): void {
  context.font = fontOf(12, 500);
  context.fillStyle = ink.inkSoft;
  context.textBaseline = 'middle';
  const middle = LABEL_BAND_PX / 2 + 0.5;
  for (const { at, degrees } of meridians) {
    const text = formatDegrees(degrees, 'lon');
    const half = textWidth(context, text, context.font) / 2;
    if (at - half < band || at + half > size.width - band) continue;
    context.fillText(text, at - half, middle);
    context.fillText(text, at - half, size.height - middle + 1);
  }
  for (const { at, degrees } of parallels) {
    const text = formatDegrees(degrees, 'lat');
    const half = textWidth(context, text, context.font) / 2;
    if (at - half < band || at + half > size.height - band) continue;
    upright(context, text, half, middle, at);
    upright(context, text, half, size.width - middle + 1, at);
  }
}

/** Text along the left and right edge, read from the right as on printed sheets. */
function upright(context: CanvasRenderingContext2D, text: string, half: number, x: number, y: number): void {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.fillText(text, -half, 0);
  context.restore();
}

/** Where the scale may stand, whatever its length just now. */
export function scaleBox(size: Size, slim: boolean): Box {
  const [right, bottom] = [size.width - frameBand(slim) - 16, size.height - frameBand(slim) - 8];
  return { left: right - SCALE_BAR_MAX_PX, top: bottom - 28, right, bottom };
}

/** The scale bar with its length, at the map's lower right. */
export function paintScale(context: CanvasRenderingContext2D, camera: Camera, size: Size, ink: Ink, slim: boolean): void {
  const { km, px } = scaleBar(camera, SCALE_BAR_MAX_PX);
  const band = frameBand(slim);
  const right = size.width - band - 16;
  const y = size.height - band - 14;
  const text = km >= 1 ? `${km.toLocaleString('en')} km` : `${Math.round(km * 1000)} m`;
  context.font = fontOf(12.5, 500);
  context.textBaseline = 'alphabetic';
  context.lineJoin = 'round';
  context.lineWidth = 4;
  context.strokeStyle = ink.paper;
  const left = right - px;
  const width = textWidth(context, text, context.font);
  context.strokeText(text, right - width, y - 7);
  context.fillStyle = ink.ink;
  context.fillText(text, right - width, y - 7);
  context.fillStyle = ink.paper;
  context.fillRect(left - 1, y - 1, px + 2, SCALE_BAND_PX + 2);
  context.strokeStyle = ink.ink;
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, y + 0.5, px - 1, SCALE_BAND_PX - 1);
  context.fillStyle = ink.ink;
  context.fillRect(left, y, px / 4, SCALE_BAND_PX);
  context.fillRect(left + px / 2, y, px / 4, SCALE_BAND_PX);
}

/** Two marks that slide along the frame with a place: its longitude on the lower edge and its latitude on the left one. */
export function paintFrameMarks(context: CanvasRenderingContext2D, at: ScreenPoint, size: Size, color: string, slim: boolean): void {
  const band = frameBand(slim);
  const clampTo = (value: number, length: number) => Math.min(length - band, Math.max(band, value));
  const [x, y] = [clampTo(at.x, size.width), clampTo(at.y, size.height)];
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(x, size.height - band - 7);
  context.lineTo(x + 4, size.height - band);
  context.lineTo(x - 4, size.height - band);
  context.closePath();
  context.moveTo(band + 7, y);
  context.lineTo(band, y + 4);
  context.lineTo(band, y - 4);
  context.closePath();
  context.fill();
}
