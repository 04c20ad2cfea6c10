import { type Camera, type Size, toWorld, unproject, worldSizePx } from './projection.ts';

/** Steps between lines, in degrees: whole degrees, then minutes that divide them. */
const STEPS = [30, 20, 10, 5, 2, 1, 30 / 60, 15 / 60, 10 / 60, 5 / 60, 2 / 60, 1 / 60];
const LINE_SPACING_MIN_PX = 92;
const LATITUDE_SHOWN_MAX = 84;

/** A line of equal longitude or latitude and where it crosses the view. */
export interface GraticuleLine {
  readonly degrees: number;
  /** Pixels from the view's left edge (a meridian) or its top (a parallel). */
  readonly at: number;
}

export interface Graticule {
  readonly stepDegrees: number;
  readonly meridians: readonly GraticuleLine[];
  readonly parallels: readonly GraticuleLine[];
}

/** The finest step whose meridians stay a calm distance apart at this zoom. */
export function graticuleStep(zoom: number): number {
  const pxPerDegree = worldSizePx(zoom) / 360;
  return STEPS.findLast((step) => step * pxPerDegree >= LINE_SPACING_MIN_PX) ?? 30;
}

const multiples = (from: number, to: number, step: number): number[] => {
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.max(0, Math.floor(to / step + 1e-9) - first + 1);
  return Array.from({ length: count }, (_, i) => (first + i) * step);
};

const wrapDegrees = (degrees: number) => ((((degrees + 180) % 360) + 360) % 360) - 180;

/** Mercator's y of a latitude, for lines only (no clamp at the cut: the shown range ends before it). */
const mercatorY = (lat: number) => 0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI);

/** All lines that cross the view. A meridian seen on two copies of the world is there twice. */
export function graticule(camera: Camera, size: Size): Graticule {
  const stepDegrees = graticuleStep(camera.zoom);
  const scale = worldSizePx(camera.zoom);
  const topLeft = toWorld({ x: 0, y: 0 }, camera, size);
  const bottomRight = toWorld({ x: size.width, y: size.height }, camera, size);
  const lonOf = (x: number) => (x - 0.5) * 360;
  const meridians = multiples(lonOf(topLeft.x), lonOf(bottomRight.x), stepDegrees).map((lon) => ({
    degrees: wrapDegrees(lon),
    at: (lon / 360 + 0.5 - camera.x) * scale + size.width / 2,
  }));
  const north = Math.min(LATITUDE_SHOWN_MAX, unproject({ x: 0.5, y: topLeft.y }).lat);
  const south = Math.max(-LATITUDE_SHOWN_MAX, unproject({ x: 0.5, y: bottomRight.y }).lat);
  const parallels = multiples(south, north, stepDegrees)
    .map((degrees) => ({ degrees, at: (mercatorY(degrees) - camera.y) * scale + size.height / 2 }))
    .reverse();
  return { stepDegrees, meridians, parallels };
}

/** Degrees and, where there are any, minutes, with the hemisphere: `35°30′ N`, `140° E`, `0°`. */
export function formatDegrees(value: number, axis: 'lon' | 'lat'): string {
  const minutes = Math.round(Math.abs(value) * 60);
  const [whole, rest] = [Math.floor(minutes / 60), minutes % 60];
  const text = rest === 0 ? `${whole}°` : `${whole}°${String(rest).padStart(2, '0')}′`;
  if (minutes === 0 || (axis === 'lon' && minutes === 180 * 60)) return text;
  return `${text} ${axis === 'lon' ? (value < 0 ? 'W' : 'E') : value < 0 ? 'S' : 'N'}`;
}

/** A place as a chart writes it: `35°01′ N 135°45′ E`. */
export const formatPlace = (lon: number, lat: number): string => `${formatDegrees(lat, 'lat')} ${formatDegrees(lon, 'lon')}`;

/** The longest round distance that fits: what a scale bar of at most `maxPx` shows at this latitude. */
export function scaleBar(camera: Camera, maxPx: number): { readonly km: number; readonly px: number } {
  const lat = unproject(camera).lat;
  const kmPerPx = (40_075.017 * Math.cos((lat * Math.PI) / 180)) / worldSizePx(camera.zoom);
  const most = kmPerPx * maxPx;
  const power = 10 ** Math.floor(Math.log10(most));
  const km = ([5, 2, 1].find((n) => n * power <= most) ?? 1) * power;
  return { km, px: km / kmPerPx };
}
