import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useMemo, useRef } from 'react';
import { buildCityIndex, type CityRow } from './city-index.ts';
import type { MapCursor } from './cursor-layer.ts';
import { attachGestures } from './gestures.ts';
import { readInk } from './ink.ts';
import type { Box } from './label-placement.ts';
import { MapScene, type Picked } from './map-scene.ts';
import { cameraFor, type GeoPoint, project, unproject, worldSizePx } from './projection.ts';
import type { MapStop } from './route-layer.ts';

/** What the rest of the page may ask of the map. */
export interface MapHandle {
  /** `besideCard`: leaves room for a card, which on a phone lies over the lower part of the map. */
  flyTo(place: GeoPoint, besideCard?: boolean): void;
  showRoute(): void;
  /** Doublings of the scale, around the middle. */
  zoomBy(steps: number): void;
}

export interface MapViewProps {
  /** All cities, or null while they are not there. A new array means a new index: hand over a stable one. */
  readonly cities: readonly CityRow[] | null;
  /** In the order of the trip. */
  readonly stops: readonly MapStop[];
  readonly cursors: readonly MapCursor[];
  readonly selectedStopId: string | null;
  /** The city whose card is open. */
  readonly place: CityRow | null;
  /** Changes when the colours of the page do. */
  readonly theme: string;
  /** Called with what was pressed; null for empty paper. */
  readonly onPick: (picked: Picked | null) => void;
  /** The own pointer's place on earth, on every move; null when it leaves. */
  readonly onPointer: (place: GeoPoint | null) => void;
  readonly ref?: Ref<MapHandle>;
}

const SLIM_BELOW_PX = 640;
const RATIO_MAX = 2;
const ROUTE_PADDING_PX = 110;
const ROUTE_PADDING_SLIM_PX = 52;
const NEAREST_ROUTE_ZOOM = 7.5;
const PLACE_ZOOM = 7;
const KEY_PAN_PX = 90;
/** How much of a phone's map a card takes. */
const CARD_SHARE = 0.4;

/** The world as a chart: cities, the route, people. Drag, wheel, pinch, double press; arrows, + and −, Home, Enter. */
export function MapView({ cities, stops, cursors, selectedStopId, place, theme, onPick, onPointer, ref }: MapViewProps) {
  const host = useRef<HTMLDivElement>(null);
  const base = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  const scene = useRef<MapScene | null>(null);
  const latest = useRef({ stops, onPick, onPointer });
  useEffect(() => {
    latest.current = { stops, onPick, onPointer };
  });
  const index = useMemo(() => (cities === null ? null : buildCityIndex(cities)), [cities]);

  useEffect(() => {
    if (host.current === null || base.current === null || over.current === null) return;
    const made = createScene(base.current, over.current);
    scene.current = made;
    const release = watchHost(host.current, made, latest);
    return () => {
      release();
      scene.current = null;
    };
  }, []);

  useEffect(() => {
    if (host.current !== null) scene.current?.setInk(readInk(host.current));
  }, [theme]);
  useEffect(() => scene.current?.setCities(index), [index]);
  useEffect(() => scene.current?.setStops(stops), [stops]);
  useEffect(() => scene.current?.setSelected(selectedStopId), [selectedStopId]);
  useEffect(() => scene.current?.setPlace(place), [place]);
  useEffect(() => scene.current?.setCursors(cursors), [cursors]);
  useFirstView(scene, stops);

  useImperativeHandle(ref, () => ({
    flyTo: (at, besideCard = false) => {
      const map = scene.current;
      if (map === null) return;
      const { x, y } = project(at);
      const zoom = Math.max(PLACE_ZOOM, map.camera.zoom);
      const lift = besideCard && map.size.width < SLIM_BELOW_PX ? (map.size.height * CARD_SHARE) / 2 / worldSizePx(zoom) : 0;
      map.flyTo({ x, y: y + lift, zoom });
    },
    showRoute: () => flyToRoute(scene.current, latest.current.stops),
    zoomBy: (steps) => scene.current?.zoomSmoothly(steps),
  }));

  const onKeyDown = (e: KeyboardEvent) => {
    if (scene.current !== null && keyed(e, scene.current, latest.current)) e.preventDefault();
  };
  return (
    <div
      ref={host}
      className="map"
      role="application"
      aria-roledescription="map"
      aria-label={`World map with a route of ${stops.length} stops`}
      aria-describedby="map-keys"
      tabIndex={0}
      onKeyDown={onKeyDown}
      onFocus={(e) => scene.current?.setAim(e.currentTarget.matches(':focus-visible'))}
      onBlur={() => scene.current?.setAim(false)}
    >
      <canvas ref={base} />
      <canvas ref={over} />
      <p id="map-keys" className="unseen">
        Arrow keys move the map, plus and minus zoom, Home shows the whole route, Enter opens the city in the middle. The list of stops
        holds the same route as text.
      </p>
    </div>
  );
}

function createScene(base: HTMLCanvasElement, over: HTMLCanvasElement): MapScene {
  return new MapScene({
    base,
    over,
    now: () => performance.now(),
    requestFrame: (paint) => void requestAnimationFrame(paint),
    after: (ms, call) => void setTimeout(call, ms),
  });
}

type Latest = {
  readonly current: { readonly stops: readonly MapStop[]; onPick(picked: Picked | null): void; onPointer(place: GeoPoint | null): void };
};

/** Keeps the scene in step with its element: size, typeface, wish for less motion, hands. */
function watchHost(host: HTMLElement, scene: MapScene, latest: Latest): () => void {
  const fit = () => {
    const { clientWidth: width, clientHeight: height } = host;
    if (width > 0 && height > 0)
      scene.setSize({ width, height }, Math.min(RATIO_MAX, devicePixelRatio), width < SLIM_BELOW_PX, furnitureOn(host));
  };
  const resized = new ResizeObserver(fit);
  resized.observe(host);
  fit();
  // Letters of far alphabets come when first drawn, each set by itself.
  const arrived = () => scene.typefaceArrived();
  document.fonts.addEventListener('loadingdone', arrived);
  const wish = matchMedia('(prefers-reduced-motion: reduce)');
  const heed = () => scene.setStill(wish.matches);
  heed();
  wish.addEventListener('change', heed);
  const release = attachGestures(host, {
    pan: (dx, dy) => scene.pan(dx, dy),
    zoom: (steps, anchor) => scene.zoom(steps, anchor),
    zoomIn: (at) => scene.zoomSmoothly(1, at),
    tap: (at) => latest.current.onPick(scene.pick(at)),
    dragging: (on) => host.classList.toggle('is-dragged', on),
    hover: (at) => {
      host.classList.toggle('is-over-mark', scene.setPointer(at));
      latest.current.onPointer(at === null ? null : unproject(scene.worldAt(at)));
    },
  });
  return () => {
    document.fonts.removeEventListener('loadingdone', arrived);
    resized.disconnect();
    wish.removeEventListener('change', heed);
    release();
  };
}

/** Where the page has put something on the map for good: elements beside it marked `data-furniture`. */
function furnitureOn(host: HTMLElement): Box[] {
  const origin = host.getBoundingClientRect();
  return [...(host.parentElement?.querySelectorAll('[data-furniture]') ?? [])].map((element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return { left: left - origin.left, top: top - origin.top, right: right - origin.left, bottom: bottom - origin.top };
  });
}

/** Shows the whole route once, when its first stops arrive; after that the view belongs to its reader. */
function useFirstView(scene: { readonly current: MapScene | null }, stops: readonly MapStop[]): void {
  const shown = useRef(false);
  useEffect(() => {
    if (shown.current || stops.length === 0 || scene.current === null) return;
    const camera = routeCamera(scene.current, stops);
    if (camera === null) return;
    shown.current = true;
    scene.current.show(camera);
  }, [scene, stops]);
}

function routeCamera(scene: MapScene, stops: readonly MapStop[]) {
  const padding = scene.size.width < SLIM_BELOW_PX ? ROUTE_PADDING_SLIM_PX : ROUTE_PADDING_PX;
  return scene.size.width === 0 ? null : cameraFor(stops, scene.size, padding, NEAREST_ROUTE_ZOOM);
}

function flyToRoute(scene: MapScene | null, stops: readonly MapStop[]): void {
  const camera = scene === null ? null : routeCamera(scene, stops);
  if (camera !== null) scene?.flyTo(camera);
}

function keyed(e: KeyboardEvent, scene: MapScene, { stops, onPick }: Latest['current']): boolean {
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
    Enter: () => onPick(scene.pick()),
  };
  const act = Object.hasOwn(keys, e.key) && !e.ctrlKey && !e.metaKey && !e.altKey ? keys[e.key] : undefined;
  act?.();
  return act !== undefined;
}
