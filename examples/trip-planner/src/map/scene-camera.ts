import type { KeyboardEvent } from 'react';
import { greatCircle } from './great-circle.ts';
import type { MapScene } from './map-scene.ts';
import { freeMiddle, isFree } from './free-middle.ts';
import type { Box } from './label-placement.ts';
import { type Camera, cameraFor, type GeoPoint, nearestCopy, project, toScreen, worldSizePx } from './projection.ts';
import type { MapStop } from './route-layer.ts';
import { SLIM_BELOW_PX } from './scene-host.ts';

const ROUTE_PADDING_PX = 110;
const ROUTE_PADDING_SLIM_PX = 52;
const NEAREST_ROUTE_ZOOM = 7.5;
const PLACE_ZOOM = 7;
const KEY_PAN_PX = 90;
/** A place nearer than this to what covers the map, or to its edge, is brought away from there. */
const SIGHT_PX = 28;

/** The camera that shows the whole route; null without stops, or before the map has a size. */
export function routeCamera(scene: MapScene, stops: readonly MapStop[]): Camera | null {
  const padding = scene.size.width < SLIM_BELOW_PX ? ROUTE_PADDING_SLIM_PX : ROUTE_PADDING_PX;
  // The whole way, not only its stops: a great circle bends far beyond its ends.
  const way = stops.flatMap((stop, i) => (i === 0 ? [stop] : greatCircle(stops[i - 1] ?? stop, stop).slice(1)));
  return scene.size.width === 0 ? null : cameraFor(way, scene.size, padding, NEAREST_ROUTE_ZOOM);
}

/** Looks at a place from at least the zoom at which towns have names, in the middle of what `covers` leave free. */
export function flyToPlace(scene: MapScene, at: GeoPoint, covers: readonly Box[]): void {
  flyToFree(scene, at, Math.max(PLACE_ZOOM, scene.camera.zoom), covers);
}

/** Brings a place out from under what covers it; leaves the map alone where it can be seen. */
export function revealPlace(scene: MapScene, at: GeoPoint, covers: readonly Box[]): void {
  const { x, y } = project(at);
  const { camera, size } = scene;
  if (isFree(toScreen({ x: nearestCopy(x, camera.x), y }, camera, size), size, covers, SIGHT_PX)) return;
  flyToFree(scene, at, camera.zoom, covers);
}

function flyToFree(scene: MapScene, at: GeoPoint, zoom: number, covers: readonly Box[]): void {
  const { size } = scene;
  const [{ x, y }, middle, scale] = [project(at), freeMiddle(size, covers), worldSizePx(zoom)];
  scene.flyTo({ x: x + (size.width / 2 - middle.x) / scale, y: y + (size.height / 2 - middle.y) / scale, zoom });
}

export function flyToRoute(scene: MapScene, stops: readonly MapStop[]): void {
  const camera = routeCamera(scene, stops);
  if (camera !== null) scene.flyTo(camera);
}

/** What a key does to the map. False for keys that are not the map's: the page keeps them. */
export function pressKey(e: KeyboardEvent, scene: MapScene, stops: readonly MapStop[], pick: () => void): boolean {
  const step = e.shiftKey ? KEY_PAN_PX * 3 : KEY_PAN_PX;
  const keys: Record<string, () => void> = {
    ArrowLeft: () => scene.panSmoothly(step, 0),
    ArrowRight: () => scene.panSmoothly(-step, 0),
    ArrowUp: () => scene.panSmoothly(0, step),
    ArrowDown: () => scene.panSmoothly(0, -step),
    '+': () => scene.zoomSmoothly(0.75),
    '=': () => scene.zoomSmoothly(0.75),
    '-': () => scene.zoomSmoothly(-0.75),
    Home: () => flyToRoute(scene, stops),
    Enter: pick,
  };
  const act = Object.hasOwn(keys, e.key) && !e.ctrlKey && !e.metaKey && !e.altKey ? keys[e.key] : undefined;
  if (act === undefined) return false;
  scene.setAim(true);
  act();
  return true;
}
