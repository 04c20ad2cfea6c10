import { attachGestures } from './gestures.ts';
import type { Box } from './label-placement.ts';
import { MapScene, type Picked } from './map-scene.ts';
import { type GeoPoint, unproject } from './projection.ts';

/** Narrower than this the frame has no degrees and cards lie below. */
export const SLIM_BELOW_PX = 540;
/** More pixels than this cost more time than they show. */
const RATIO_MAX = 2;

export interface SceneHandlers {
  onPick(picked: Picked | null): void;
  onPointer(place: GeoPoint | null): void;
}

/** The scene on two canvases of the page. */
export function createScene(base: HTMLCanvasElement, over: HTMLCanvasElement): MapScene {
  return new MapScene({
    base,
    over,
    now: () => performance.now(),
    requestFrame: (paint) => void requestAnimationFrame(paint),
    after: (ms, call) => void setTimeout(call, ms),
  });
}

/** Keeps the scene in step with its element: size, typeface, wish for less motion, hands. */
export function watchHost(host: HTMLElement, scene: MapScene, latest: { readonly current: SceneHandlers }): () => void {
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
    press: () => scene.setAim(false),
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
const furnitureOn = (host: HTMLElement): Box[] => boxesBeside(host, '[data-furniture]');

/** Where something lies on the map for a while: what is in the element marked `data-slips`. */
export const slipsOn = (host: HTMLElement | null): Box[] => (host === null ? [] : boxesBeside(host, '[data-slips] > *'));

function boxesBeside(host: HTMLElement, selector: string): Box[] {
  const origin = host.getBoundingClientRect();
  return [...(host.parentElement?.querySelectorAll(selector) ?? [])].map((element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return { left: left - origin.left, top: top - origin.top, right: right - origin.left, bottom: bottom - origin.top };
  });
}
