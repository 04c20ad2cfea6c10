/** A place on the earth, in degrees. */
export interface GeoPoint {
  readonly lon: number;
  readonly lat: number;
}

/**
 * A place on the unrolled world. `x` runs 0…1 from 180° W to 180° E, `y` 0…1 from north to south (Mercator).
 * `x` may leave 0…1: it then lies on a repeated copy of the world.
 */
export interface WorldPoint {
  readonly x: number;
  readonly y: number;
}

/** What the map looks at: the world point in its middle, and how near. One zoom step doubles the scale. */
export interface Camera extends WorldPoint {
  readonly zoom: number;
}

/** Pixels of the page (not of the device). */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface ScreenPoint {
  readonly x: number;
  readonly y: number;
}

const WORLD_PX_AT_ZOOM_0 = 256;
/** Mercator is cut where the unrolled world is a square. */
const LATITUDE_MAX = 85.0511287798;
/** Past this the dots, rounded to 1e-5 degrees by their source, say no more. */
export const ZOOM_MAX = 12;

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));
const toRadians = (degrees: number) => (degrees * Math.PI) / 180;

/** Width and height of one copy of the world at this zoom, in pixels. */
export const worldSizePx = (zoom: number): number => WORLD_PX_AT_ZOOM_0 * 2 ** zoom;

export function project({ lon, lat }: GeoPoint): WorldPoint {
  const sine = Math.sin(toRadians(clamp(lat, -LATITUDE_MAX, LATITUDE_MAX)));
  return { x: lon / 360 + 0.5, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) };
}

/** The inverse of `project`; the longitude is brought back into -180…180. */
export function unproject({ x, y }: WorldPoint): GeoPoint {
  const lat = (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;
  return { lon: (wrapUnit(x) - 0.5) * 360, lat };
}

/** The part of `x` behind the point, also for negative numbers: 1.25 and -0.75 both give 0.25. */
export const wrapUnit = (x: number): number => x - Math.floor(x);

/** The copy of `x` nearest to `reference`: at most half a world away from it. */
export const nearestCopy = (x: number, reference: number): number => x - Math.round(x - reference);

export function toScreen(point: WorldPoint, camera: Camera, size: Size): ScreenPoint {
  const scale = worldSizePx(camera.zoom);
  return { x: (point.x - camera.x) * scale + size.width / 2, y: (point.y - camera.y) * scale + size.height / 2 };
}

export function toWorld(point: ScreenPoint, camera: Camera, size: Size): WorldPoint {
  const scale = worldSizePx(camera.zoom);
  return { x: camera.x + (point.x - size.width / 2) / scale, y: camera.y + (point.y - size.height / 2) / scale };
}

/** The zoom at which one world just fills the width: further out it would repeat. */
export const zoomMin = (size: Size): number => Math.max(0, Math.log2(Math.max(1, size.width) / WORLD_PX_AT_ZOOM_0));

/**
 * The nearest camera that is allowed: zoom within its bounds, `x` on the first copy of the world, and no more paper
 * beyond the poles than the view's shape forces (a view taller than the world has the world in its middle).
 */
export function clampCamera(camera: Camera, size: Size): Camera {
  const zoom = clamp(camera.zoom, zoomMin(size), ZOOM_MAX);
  const halfHeight = size.height / 2 / worldSizePx(zoom);
  const y = halfHeight >= 0.5 ? 0.5 : clamp(camera.y, halfHeight, 1 - halfHeight);
  return { x: wrapUnit(camera.x), y, zoom };
}

/** Moves the paper under the view by this many pixels. */
export function panBy(camera: Camera, dx: number, dy: number, size: Size): Camera {
  const scale = worldSizePx(camera.zoom);
  return clampCamera({ x: camera.x - dx / scale, y: camera.y - dy / scale, zoom: camera.zoom }, size);
}

/** Zooms so that the place under `anchor` stays under it. */
export function zoomAround(camera: Camera, zoom: number, anchor: ScreenPoint, size: Size): Camera {
  const allowed = clamp(zoom, zoomMin(size), ZOOM_MAX);
  const fixed = toWorld(anchor, camera, size);
  const scale = worldSizePx(allowed);
  return clampCamera(
    { x: fixed.x - (anchor.x - size.width / 2) / scale, y: fixed.y - (anchor.y - size.height / 2) / scale, zoom: allowed },
    size,
  );
}

/**
 * The camera that shows all points with `paddingPx` around them, no nearer than `nearestZoom` (one point alone would
 * otherwise be looked at through a microscope). Points are taken in order, each on the copy of the world nearest to
 * the one before, so that a route over the Pacific is framed over the Pacific. Null without points.
 */
export function cameraFor(points: readonly GeoPoint[], size: Size, paddingPx: number, nearestZoom: number): Camera | null {
  const [first, ...rest] = points.map(project);
  if (first === undefined) return null;
  let [left, right, top, bottom, previous] = [first.x, first.x, first.y, first.y, first.x];
  for (const point of rest) {
    previous = nearestCopy(point.x, previous);
    [left, right] = [Math.min(left, previous), Math.max(right, previous)];
    [top, bottom] = [Math.min(top, point.y), Math.max(bottom, point.y)];
  }
  const room = (length: number) => Math.max(1, length - 2 * paddingPx) / WORLD_PX_AT_ZOOM_0;
  const zoomFor = (length: number, extent: number) => Math.log2(room(length) / Math.max(extent, 1e-9));
  const zoom = Math.min(zoomFor(size.width, right - left), zoomFor(size.height, bottom - top), nearestZoom);
  return clampCamera({ x: (left + right) / 2, y: (top + bottom) / 2, zoom }, size);
}

/** The camera on the way from one to another; `t` runs 0…1. Takes the short way around the world. */
export function between(from: Camera, to: Camera, t: number): Camera {
  const zoom = from.zoom + (to.zoom - from.zoom) * t;
  const [a, b, now] = [worldSizePx(from.zoom), worldSizePx(to.zoom), worldSizePx(zoom)];
  // The middle moves in step with the scale: on the screen the target then travels a straight, even line.
  const share = Math.abs(b - a) < 1e-6 ? t : (1 / a - 1 / now) / (1 / a - 1 / b);
  const toX = nearestCopy(to.x, from.x);
  return { x: wrapUnit(from.x + (toX - from.x) * share), y: from.y + (to.y - from.y) * share, zoom };
}

/** The camera after the view has changed its size: what filled the shorter side before fills it again, and growing back undoes it. */
export function resized(camera: Camera, from: Size, to: Size): Camera {
  const shorter = (size: Size) => Math.max(1, Math.min(size.width, size.height));
  return clampCamera({ ...camera, zoom: camera.zoom + Math.log2(shorter(to) / shorter(from)) }, to);
}
