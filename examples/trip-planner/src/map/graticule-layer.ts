import { graticule } from './graticule.ts';
import { faded, type Ink } from './ink.ts';
import type { Box } from './label-placement.ts';
import { type Camera, type GeoPoint, nearestCopy, project, type Size, toScreen } from './projection.ts';
import { fontOf, textWidth } from './text.ts';

/** The circles a globe is drawn with besides its grid, named where there is sea under them. */
const CIRCLES = [
  { lat: 66.5637, name: 'Arctic Circle', lons: [-3, -172] },
  { lat: 23.4364, name: 'Tropic of Cancer', lons: [-38, 160] },
  { lat: 0, name: 'Equator', lons: [-22, 65, -120] },
  { lat: -23.4364, name: 'Tropic of Capricorn', lons: [-8, 80, -105] },
  { lat: -66.5637, name: 'Antarctic Circle', lons: [-20, 150] },
] as const;

/** The oceans, set as charts set water: slanted and wide. */
const WATERS: readonly (GeoPoint & { readonly name: string })[] = [
  { name: 'North Pacific', lon: -160, lat: 36 },
  { name: 'South Pacific', lon: -125, lat: -38 },
  { name: 'North Atlantic', lon: -42, lat: 37 },
  { name: 'South Atlantic', lon: -15, lat: -33 },
  { name: 'Indian Ocean', lon: 78, lat: -33 },
  { name: 'Southern Ocean', lon: 20, lat: -61 },
];

/** Nearer than this circles look like lines and oceans are out of sight. */
const WIDE_ZOOM_MAX = 4.6;

/** A narrow view has no room for more than its cities. */
const NAMES_WIDTH_MIN_PX = 640;
const EDGE_PX = 28;
const FADE_PX = 40;

/**
 * The grid of longitudes and latitudes, and over wide views tropics, polar circles and the names of oceans. Returns the
 * boxes of what was written, for other names to keep off.
 */
export function paintGraticule(context: CanvasRenderingContext2D, camera: Camera, size: Size, ink: Ink): Box[] {
  const { meridians, parallels } = graticule(camera, size);
  context.lineWidth = 1;
  context.strokeStyle = ink.line;
  context.beginPath();
  for (const { at } of meridians) line(context, at, 0, at, size.height);
  for (const { at, degrees } of parallels) if (degrees !== 0) line(context, 0, at, size.width, at);
  context.stroke();
  if (camera.zoom > WIDE_ZOOM_MAX) {
    if (parallels.some(({ degrees }) => degrees === 0)) paintCircle(context, 0, camera, size, ink);
    return [];
  }
  for (const { lat } of CIRCLES) paintCircle(context, lat, camera, size, ink);
  return size.width < NAMES_WIDTH_MIN_PX ? [] : paintNames(context, camera, size, ink);
}

function line(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  // On half pixels: a line of one pixel is then one row of pixels, not two pale ones.
  const half = (value: number) => Math.round(value) + 0.5;
  context.moveTo(x1 === x2 ? half(x1) : x1, y1 === y2 ? half(y1) : y1);
  context.lineTo(x1 === x2 ? half(x2) : x2, y1 === y2 ? half(y2) : y2);
}

function paintCircle(context: CanvasRenderingContext2D, lat: number, camera: Camera, size: Size, ink: Ink): void {
  const { y } = toScreen({ x: camera.x, y: project({ lon: 0, lat }).y }, camera, size);
  context.strokeStyle = faded(ink.inkSoft, 0.5);
  context.setLineDash(lat === 0 ? [] : [1, 5]);
  context.beginPath();
  line(context, 0, y, size.width, y);
  context.stroke();
  context.setLineDash([]);
}

function paintNames(context: CanvasRenderingContext2D, camera: Camera, size: Size, ink: Ink): Box[] {
  const boxes: Box[] = [];
  const write = (name: string, at: GeoPoint, lift: number) => {
    const world = project(at);
    const { x, y } = toScreen({ x: nearestCopy(world.x, camera.x), y: world.y }, camera, size);
    const half = textWidth(context, name, context.font) / 2;
    // A name near the edge fades instead of being cut.
    const air = Math.min(x - half, size.width - x - half, y - 12, size.height - y) - EDGE_PX;
    context.globalAlpha = Math.min(1, Math.max(0, air / FADE_PX));
    if (air <= 0) return;
    context.fillText(name, x - half, y - lift);
    boxes.push({ left: x - half, right: x + half, top: y - lift - 13, bottom: y - lift + 4 });
  };
  context.textBaseline = 'alphabetic';
  context.fillStyle = ink.inkSoft;
  context.font = fontOf(12.5, 400, true);
  for (const { lat, name, lons } of CIRCLES) for (const lon of lons) write(name, { lon, lat }, 4);
  context.font = fontOf(17, 400, true);
  context.letterSpacing = '0.16em';
  for (const { name, lon, lat } of WATERS) write(name, { lon, lat }, 0);
  context.letterSpacing = '0px';
  context.globalAlpha = 1;
  return boxes;
}
