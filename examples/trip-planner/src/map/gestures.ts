import type { ScreenPoint } from './projection.ts';

/** What hands do to the map. Points are in pixels from the element's upper left. */
export interface GestureHandlers {
  /** A hand is on the map. */
  press(): void;
  pan(dx: number, dy: number): void;
  /** `steps` doublings of the scale, kept under `anchor`. */
  zoom(steps: number, anchor: ScreenPoint): void;
  /** A press that did not become a drag. */
  tap(at: ScreenPoint): void;
  /** A double press. */
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

/** Listens on the element until the returned function is called. */
export function attachGestures(element: HTMLElement, handlers: GestureHandlers): () => void {
  const hands = new Hands(element, handlers);
  const stop = new AbortController();
  const { signal } = stop;
  element.addEventListener('pointerdown', (e) => hands.down(e), { signal });
  element.addEventListener('pointermove', (e) => hands.move(e), { signal });
  element.addEventListener('pointerup', (e) => hands.up(e, true), { signal });
  element.addEventListener('pointercancel', (e) => hands.up(e, false), { signal });
  element.addEventListener('pointerleave', () => hands.leave(), { signal });
  element.addEventListener('wheel', (e) => hands.wheel(e), { signal, passive: false });
  element.addEventListener('dblclick', (e) => handlers.zoomIn(hands.pointOf(e)), { signal });
  return () => stop.abort();
}

interface Finger {
  readonly start: ScreenPoint;
  readonly at: ScreenPoint;
}

/** The pointers that are down, and what their moves mean: one drags, two scale and drag. */
class Hands {
  readonly #element: HTMLElement;
  readonly #handlers: GestureHandlers;
  readonly #fingers = new Map<number, Finger>();
  /** Whether this press has become a drag; it stays one until all fingers are up. */
  #dragged = false;

  constructor(element: HTMLElement, handlers: GestureHandlers) {
    this.#element = element;
    this.#handlers = handlers;
  }

  pointOf(e: MouseEvent): ScreenPoint {
    const box = this.#element.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  }

  down(e: PointerEvent): void {
    if (e.button !== 0) return;
    this.#element.setPointerCapture(e.pointerId);
    this.#handlers.press();
    const at = this.pointOf(e);
    this.#dragged = this.#fingers.size > 0;
    this.#fingers.set(e.pointerId, { start: at, at });
  }

  move(e: PointerEvent): void {
    const at = this.pointOf(e);
    const finger = this.#fingers.get(e.pointerId);
    if (e.pointerType !== 'touch' || finger !== undefined) this.#handlers.hover(at);
    if (finger === undefined) return;
    const before = this.#points();
    this.#fingers.set(e.pointerId, { start: finger.start, at });
    if (this.#fingers.size === 2) pinch(before, this.#points(), this.#handlers);
    if (this.#fingers.size === 1) this.#drag(finger, at);
  }

  up(e: PointerEvent, done: boolean): void {
    if (!this.#fingers.delete(e.pointerId) || this.#fingers.size > 0) return;
    this.#handlers.dragging(false);
    if (!this.#dragged && done) this.#handlers.tap(this.pointOf(e));
    if (e.pointerType === 'touch') this.#handlers.hover(null);
  }

  leave(): void {
    if (this.#fingers.size === 0) this.#handlers.hover(null);
  }

  wheel(e: WheelEvent): void {
    e.preventDefault();
    const px = e.deltaY * (e.deltaMode === WheelEvent.DOM_DELTA_LINE ? PX_PER_LINE : 1);
    this.#handlers.zoom(-px * (e.ctrlKey ? PINCH_WHEEL_STEPS_PER_PX : WHEEL_STEPS_PER_PX), this.pointOf(e));
  }

  #points(): ScreenPoint[] {
    return [...this.#fingers.values()].map((finger) => finger.at);
  }

  #drag(finger: Finger, at: ScreenPoint): void {
    if (!this.#dragged && Math.hypot(at.x - finger.start.x, at.y - finger.start.y) <= TAP_SLACK_PX) return;
    // The slack is part of the drag: the paper stays under the finger.
    const from = this.#dragged ? finger.at : finger.start;
    if (!this.#dragged) this.#handlers.dragging(true);
    this.#dragged = true;
    this.#handlers.pan(at.x - from.x, at.y - from.y);
  }
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
