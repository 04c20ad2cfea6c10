import type { KeyboardEvent } from 'react';
import { greatCircle } from './great-circle.ts';
import type { MapScene } from './map-scene.ts';
import { type Camera, cameraFor, type GeoPoint, project, worldSizePx } from './projection.ts';
import type { MapStop } from './route-layer.ts';
import { SLIM_BELOW_PX } from './scene-host.ts';

const ROUTE_PADDING_PX = 110;
const ROUTE_PADDING_SLIM_PX = 52;
const NEAREST_ROUTE_ZOOM = 7.5;
const PLACE_ZOOM = 7;
const KEY_PAN_PX = 90;
/** How much of a phone's map a card takes. */
const CARD_SHARE = 0.4;

/** The camera that shows the whole route; null without stops, or before the map has a size. */
export function routeCamera(scene: MapScene, stops: readonly MapStop[]): Camera | null {
  const padding = scene.size.width < SLIM_BELOW_PX ? ROUTE_PADDING_SLIM_PX : ROUTE_PADDING_PX;
  // The whole way, not only its stops: a great circle bends far beyond its ends.
  const way = stops.flatMap((stop, i) => (i === 0 ? [stop] : greatCircle(stops[i - 1] ?? stop, stop).slice(1)));
  return scene.size.width === 0 ? null : cameraFor(way, scene.size, padding, NEAREST_ROUTE_ZOOM);
}

/** Looks at a place from at least the zoom at which towns have names; `besideCard` leaves room for a card, which on a phone lies over the lower map. */
export function flyToPlace(scene: MapScene, at: GeoPoint, besideCard: boolean): void {
  const { x, y } = project(at);
  const zoom = Math.max(PLACE_ZOOM, scene.camera.zoom);
  const lift = besideCard && scene.size.width < SLIM_BELOW_PX ? (scene.size.height * CARD_SHARE) / 2 / worldSizePx(zoom) : 0;
  scene.flyTo({ x, y: y + lift, zoom });
}

export function flyToRoute(scene: MapScene, stops: readonly MapStop[]): void {
  const camera = routeCamera(scene, stops);
  if (camera !== null) scene.flyTo(camera);
}

/** What a key does to the map. False for keys that are not the map's: the page keeps them. */
export function pressKey(e: KeyboardEvent, scene: MapScene, stops: readonly MapStop[], pick: () => void): boolean {
  const step = e.shiftKey ? KEY_PAN_PX * 3 : KEY_PAN_PX;
  const keys: Record<string, () => void> = {
    ArrowLeft: () => scene.pan(step, 0),
    ArrowRight: () => scene.pan(-step, 0),
    ArrowUp: () => scene.pan(0, step),
    ArrowDown: () => scene.pan(0, -step),
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
