import type { ScreenPoint } from './projection.ts';

/** What hands do to the map. Points are in pixels from the element's upper left. */
export interface GestureHandlers {
  pan(dx: number, dy: number): void;
  /** `steps` doublings of the scale, kept under `anchor`. */
  zoom(steps: number, anchor: ScreenPoint): void;
  /** A press that did not become a drag. */
  tap(at: ScreenPoint): void;
  zoomIn(at: ScreenPoint): void;
  /** Where the pointer is; null once it has left. */
  hover(at: ScreenPoint | null): void;
  dragging(on: boolean): void;
}

const TAP_SLACK_PX = 5;
const WHEEL_STEPS_PER_PX = 0.0022;
/** A trackpad's pinch comes as a wheel with ctrl held and small numbers. */
const PINCH_WHEEL_STEPS_PER_PX = 0.012;
const PX_PER_LINE = 16;

interface Finger {
  at: ScreenPoint;
  readonly start: ScreenPoint;
}

/** Listens on the element until the returned function is called. */
export function attachGestures(element: HTMLElement, handlers: GestureHandlers): () => void {
  const fingers = new Map<number, Finger>();
  let dragged = false;
  const pointOf = (e: MouseEvent): ScreenPoint => {
    const box = element.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  };

  const down = (e: PointerEvent) => {
    if (e.button !== 0) return;
    element.setPointerCapture(e.pointerId);
    const at = pointOf(e);
    if (fingers.size === 0) dragged = false;
    else dragged = true;
    fingers.set(e.pointerId, { at, start: at });
  };
  const move = (e: PointerEvent) => {
    const at = pointOf(e);
    const finger = fingers.get(e.pointerId);
    if (e.pointerType !== 'touch' || finger !== undefined) handlers.hover(at);
    if (finger === undefined) return;
    const before = [...fingers.values()].map((one) => one.at);
    const previous = finger.at;
    finger.at = at;
    if (fingers.size === 2)
      pinch(
        before,
        [...fingers.values()].map((one) => one.at),
        handlers,
      );
    if (fingers.size !== 1) return;
    if (!dragged && Math.hypot(at.x - finger.start.x, at.y - finger.start.y) <= TAP_SLACK_PX) return;
    // The slack is part of the drag: the paper stays under the finger.
    const from = dragged ? previous : finger.start;
    if (!dragged) handlers.dragging(true);
    dragged = true;
    handlers.pan(at.x - from.x, at.y - from.y);
  };
  const up = (e: PointerEvent) => {
    if (!fingers.delete(e.pointerId) || fingers.size > 0) return;
    handlers.dragging(false);
    if (!dragged && e.type === 'pointerup') handlers.tap(pointOf(e));
    if (e.pointerType === 'touch') handlers.hover(null);
  };
  const leave = () => {
    if (fingers.size === 0) handlers.hover(null);
  };
  const wheel = (e: WheelEvent) => {
    e.preventDefault();
    const px = e.deltaY * (e.deltaMode === WheelEvent.DOM_DELTA_LINE ? PX_PER_LINE : 1);
    handlers.zoom(-px * (e.ctrlKey ? PINCH_WHEEL_STEPS_PER_PX : WHEEL_STEPS_PER_PX), pointOf(e));
  };
  const double = (e: MouseEvent) => handlers.zoomIn(pointOf(e));

  const stop = new AbortController();
  const { signal } = stop;
  element.addEventListener('pointerdown', down, { signal });
  element.addEventListener('pointermove', move, { signal });
  element.addEventListener('pointerup', up, { signal });
  element.addEventListener('pointercancel', up, { signal });
  element.addEventListener('pointerleave', leave, { signal });
  element.addEventListener('wheel', wheel, { signal, passive: false });
  element.addEventListener('dblclick', double, { signal });
  return () => stop.abort();
}

/** Two fingers: their distance scales, their middle drags. */
function pinch(before: readonly ScreenPoint[], after: readonly ScreenPoint[], handlers: GestureHandlers): void {
  const [a1, b1] = before;
  const [a2, b2] = after;
  if (a1 === undefined || b1 === undefined || a2 === undefined || b2 === undefined) return;
  const spread1 = Math.max(1, Math.hypot(a1.x - b1.x, a1.y - b1.y));
  const spread2 = Math.max(1, Math.hypot(a2.x - b2.x, a2.y - b2.y));
  const middle1 = { x: (a1.x + b1.x) / 2, y: (a1.y + b1.y) / 2 };
  const middle2 = { x: (a2.x + b2.x) / 2, y: (a2.y + b2.y) / 2 };
  handlers.pan(middle2.x - middle1.x, middle2.y - middle1.y);
  handlers.zoom(Math.log2(spread2 / spread1), middle2);
}
