import { type Ref, type RefObject, useEffect, useImperativeHandle, useMemo, useRef } from 'react';
import { buildCityIndex, type CityRow } from './city-index.ts';
import type { MapCursor } from './cursor-layer.ts';
import { readInk } from './ink.ts';
import type { MapScene, Picked } from './map-scene.ts';
import type { GeoPoint } from './projection.ts';
import type { MapStop } from './route-layer.ts';
import { flyToPlace, flyToRoute, revealPlace, routeCamera } from './scene-camera.ts';
import { createScene, type SceneHandlers, slipsOn, watchHost } from './scene-host.ts';

/** What the rest of the page may ask of the map. */
export interface MapHandle {
  /** To the middle of what the page's slips leave free. */
  flyTo(place: GeoPoint): void;
  /** The same, but only if the place cannot be seen where it is, and from no nearer. */
  reveal(place: GeoPoint): void;
  /** Gives the map the keyboard. */
  focus(): void;
  showRoute(): void;
  /** Doublings of the scale, around the middle. */
  zoomBy(steps: number): void;
}

export interface SceneProps {
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
  readonly onPick: (picked: Picked | null, byKey?: boolean) => void;
  /** The own pointer's place on earth, on every move; null when it leaves. */
  readonly onPointer: (place: GeoPoint | null) => void;
  readonly ref?: Ref<MapHandle>;
}

export interface SceneRefs {
  readonly host: RefObject<HTMLDivElement | null>;
  readonly base: RefObject<HTMLCanvasElement | null>;
  readonly over: RefObject<HTMLCanvasElement | null>;
  /** Null before the elements are there and after they are gone. */
  readonly scene: RefObject<MapScene | null>;
}

/** Keeps one scene alive with its elements and hands it every prop that changes. */
export function useScene(props: SceneProps): SceneRefs {
  const host = useRef<HTMLDivElement>(null);
  const base = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  const scene = useRef<MapScene | null>(null);
  const latest = useRef<SceneHandlers>(props);
  useEffect(() => {
    latest.current = props;
  });
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
  useSceneProps(scene, host, props);
  useFirstView(scene, props.stops);
  useImperativeHandle(props.ref, () => ({
    flyTo: (at) => scene.current !== null && flyToPlace(scene.current, at, slipsOn(host.current)),
    reveal: (at) => scene.current !== null && revealPlace(scene.current, at, slipsOn(host.current)),
    focus: () => host.current?.focus({ preventScroll: true }),
    showRoute: () => scene.current !== null && flyToRoute(scene.current, props.stops),
    zoomBy: (steps) => scene.current?.zoomSmoothly(steps),
  }));
  return { host, base, over, scene };
}

type SceneRef = RefObject<MapScene | null>;

function useSceneProps(scene: SceneRef, host: RefObject<HTMLElement | null>, props: SceneProps): void {
  const { cities, stops, cursors, selectedStopId, place, theme } = props;
  const index = useMemo(() => (cities === null ? null : buildCityIndex(cities)), [cities]);
  useEffect(() => {
    if (host.current !== null) scene.current?.setInk(readInk(host.current));
  }, [scene, host, theme]);
  useEffect(() => scene.current?.setCities(index), [scene, index]);
  useEffect(() => scene.current?.setStops(stops), [scene, stops]);
  useEffect(() => scene.current?.setSelected(selectedStopId), [scene, selectedStopId]);
  useEffect(() => scene.current?.setPlace(place), [scene, place]);
  useEffect(() => scene.current?.setCursors(cursors), [scene, cursors]);
}

/** Shows the whole route once, when its first stops arrive; after that the view belongs to its reader. */
function useFirstView(scene: SceneRef, stops: readonly MapStop[]): void {
  const shown = useRef(false);
  useEffect(() => {
    if (shown.current || stops.length === 0 || scene.current === null) return;
    const camera = routeCamera(scene.current, stops);
    if (camera === null) return;
    shown.current = true;
    scene.current.show(camera);
  }, [scene, stops]);
}
