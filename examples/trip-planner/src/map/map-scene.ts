import { cityAt, type CityIndex, type CityRow } from './city-index.ts';
import { CityLayer, type Reserved } from './city-layer.ts';
import { CursorMotion, type MapCursor, paintCursors } from './cursor-layer.ts';
import { frameBand, paintFrame, paintFrameMarks, paintScale, scaleBox } from './frame-layer.ts';
import { paintGraticule } from './graticule-layer.ts';
import type { Ink } from './ink.ts';
import { type Box, edgesOf, outsideOf } from './label-placement.ts';
import {
  between,
  type Camera,
  clampCamera,
  panBy,
  resized,
  type ScreenPoint,
  type Size,
  toWorld,
  worldSizePx,
  zoomAround,
} from './projection.ts';
import { boxesOfMark, type CityMark, markOf, paintAim, paintMark } from './mark-layer.ts';
import { boxesOf, layOutRoute, marksBoxes, type MapStop, paintRoute, type Route, routeOf, stopAt, type StopMark } from './route-layer.ts';
import { forgetWidths } from './text.ts';

/** After this long without a move the map is drawn for the very view it rests at. */
const REST_MS = 140;
const FLIGHT_MS = 520;
const TAP_RADIUS_PX = 14;

export interface ScenePorts {
  readonly base: HTMLCanvasElement;
  readonly over: HTMLCanvasElement;
  now(): number;
  requestFrame(paint: () => void): void;
  after(ms: number, call: () => void): void;
}

interface Flight {
  readonly from: Camera;
  readonly to: Camera;
  readonly startedMs: number;
}

export type Picked = { readonly kind: 'stop'; readonly stop: MapStop } | { readonly kind: 'city'; readonly city: CityRow };

const eased = (t: number) => (t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2);

/**
 * The map without React: holds what is shown and paints it. A frame is asked for when something changed, and only then;
 * an idle map costs nothing. `base` carries paper, grid and cities, `over` what moves more often.
 */
export class MapScene {
  readonly #ports: ScenePorts;
  readonly #motion = new CursorMotion();
  #camera: Camera = { x: 0.5, y: 0.42, zoom: 1 };
  #size: Size = { width: 0, height: 0 };
  #ratio = 1;
  #slim = false;
  /** What names must not lie under: the page's furniture on the map, the scale. */
  #keep: readonly Box[] = [];
  /** The map inside its frame. */
  #inside: Box = { left: 0, top: 0, right: 0, bottom: 0 };
  #ink: Ink | null = null;
  #index: CityIndex | null = null;
  #cities: CityLayer | null = null;
  #route: Route = routeOf([]);
  #marks: readonly StopMark[] = [];
  #selectedId: string | null = null;
  #place: CityRow | null = null;
  #placeMark: CityMark | null = null;
  #hovered: CityRow | null = null;
  #pointer: ScreenPoint | null = null;
  #aim = false;
  #cursors: readonly MapCursor[] = [];
  #still = false;
  #reservedKey: object = {};
  #flight: Flight | null = null;
  #movedMs = Number.NEGATIVE_INFINITY;
  #restAwaited = false;
  #baseDirty = true;
  #requested = false;
  #lastFrameMs = 0;

  constructor(ports: ScenePorts) {
    this.#ports = ports;
  }

  get camera(): Camera {
    return this.#flight?.to ?? this.#camera;
  }

  get size(): Size {
    return this.#size;
  }

  /** Draws with the typeface that has just arrived. */
  typefaceArrived(): void {
    forgetWidths();
    this.#cities?.forget();
    this.#ask(true);
  }

  setSize(size: Size, ratio: number, slim: boolean, furniture: readonly Box[]): void {
    const from = this.#size.width === 0 ? size : this.#size;
    this.#flight = null;
    [this.#size, this.#ratio, this.#slim] = [size, ratio, slim];
    const band = frameBand(slim);
    this.#keep = [...furniture, scaleBox(size, slim)];
    this.#inside = { left: band, top: band, right: size.width - band, bottom: size.height - band };
    for (const canvas of [this.#ports.base, this.#ports.over]) {
      canvas.width = Math.round(size.width * ratio);
      canvas.height = Math.round(size.height * ratio);
    }
    this.#camera = resized(this.#camera, from, size);
    this.#ask(true);
    // A resized canvas is blank at once: painting now, not in the next frame, keeps it from flashing.
    this.#frame();
  }

  setInk(ink: Ink): void {
    this.#ink = ink;
    this.#ask(true);
  }

  setCities(index: CityIndex | null): void {
    this.#index = index;
    this.#cities = index === null ? null : new CityLayer(index, () => this.#ports.now());
    this.#ask(true);
  }

  setStops(stops: readonly MapStop[]): void {
    this.#route = routeOf(stops);
    this.#reservedKey = {};
    this.#ask(true);
  }

  setSelected(stopId: string | null): void {
    if (stopId === this.#selectedId) return;
    this.#selectedId = stopId;
    this.#reservedKey = {};
    this.#ask(true);
  }

  /** The city whose card is open: ringed and named. */
  setPlace(place: CityRow | null): void {
    this.#place = place;
    this.#reservedKey = {};
    this.#ask(true);
  }

  setCursors(cursors: readonly MapCursor[]): void {
    this.#cursors = cursors;
    this.#ask(false);
  }

  /** No flights, no gliding: for people who asked for less motion. */
  setStill(still: boolean): void {
    this.#still = still;
  }

  /** A cross in the middle of the view: what Enter picks while the map has the keyboard. */
  setAim(aim: boolean): void {
    this.#aim = aim;
    this.#ask(false);
  }

  /** The own pointer; returns whether something that can be picked lies under it. */
  setPointer(at: ScreenPoint | null): boolean {
    this.#pointer = at;
    const picked = at === null ? null : this.pick(at);
    this.#hovered = picked?.kind === 'city' ? picked.city : null;
    this.#ask(false);
    return picked !== null;
  }

  pan(dx: number, dy: number): void {
    this.#flight = null;
    this.#movedMs = this.#ports.now();
    this.#camera = panBy(this.#camera, dx, dy, this.#size);
    this.#ask(true);
  }

  /** As a key moves it: where the view is on its way somewhere, it goes there and that much further. */
  panSmoothly(dx: number, dy: number): void {
    if (this.#flight === null) this.pan(dx, dy);
    else this.flyTo(panBy(this.#flight.to, dx, dy, this.#size));
  }

  zoom(steps: number, anchor: ScreenPoint = this.#middle()): void {
    this.#flight = null;
    this.#movedMs = this.#ports.now();
    this.#camera = zoomAround(this.#camera, this.#camera.zoom + steps, anchor, this.#size);
    this.#ask(true);
  }

  /** Zooms gently; several in a row add up. */
  zoomSmoothly(steps: number, anchor: ScreenPoint = this.#middle()): void {
    const from = this.camera;
    this.flyTo(zoomAround(from, from.zoom + steps, anchor, this.#size));
  }

  flyTo(target: Camera): void {
    const to = clampCamera(target, this.#size);
    const from = this.#camera;
    this.#flight = this.#still ? null : { from, to, startedMs: this.#ports.now() };
    if (this.#still) this.#camera = to;
    this.#ask(true);
  }

  /** Jumps: the first view, before anybody has seen another. */
  show(camera: Camera): void {
    this.#flight = null;
    this.#camera = clampCamera(camera, this.#size);
    this.#ask(true);
  }

  /** What a press at this point means; stops before cities. */
  pick(at: ScreenPoint = this.#middle()): Picked | null {
    const stop = stopAt(this.#marks, at);
    if (stop !== null) return { kind: 'stop', stop };
    if (this.#index === null) return null;
    const world = toWorld(at, this.#camera, this.#size);
    const found = cityAt(this.#index, world, TAP_RADIUS_PX / worldSizePx(this.#camera.zoom));
    return found === null ? null : { kind: 'city', city: found.row };
  }

  worldAt(at: ScreenPoint) {
    return toWorld(at, this.#camera, this.#size);
  }

  #middle(): ScreenPoint {
    return { x: this.#size.width / 2, y: this.#size.height / 2 };
  }

  #ask(base: boolean): void {
    this.#baseDirty ||= base;
    if (this.#requested || this.#size.width === 0) return;
    this.#requested = true;
    this.#ports.requestFrame(() => {
      this.#requested = false;
      this.#frame();
    });
  }

  #frame(): void {
    const ink = this.#ink;
    if (ink === null || this.#size.width === 0) return;
    const nowMs = this.#ports.now();
    const flying = this.#fly(nowMs);
    const baseContext = this.#ports.base.getContext('2d');
    const overContext = this.#ports.over.getContext('2d');
    if (baseContext === null || overContext === null) return;
    const painted = this.#baseDirty;
    if (painted) {
      this.#layOut(overContext);
      this.#paintBase(baseContext, ink, nowMs);
    }
    const elapsedMs = Math.min(100, nowMs - this.#lastFrameMs);
    this.#lastFrameMs = nowMs;
    const gliding = this.#motion.advance(this.#cursors, elapsedMs, this.#still);
    this.#paintOver(overContext, ink);
    if (flying || gliding) this.#ask(flying);
  }

  /** Stops first, then the chosen city: each keeps clear of those before it. */
  #layOut(context: CanvasRenderingContext2D): void {
    const keep = [...this.#keep, ...outsideOf(this.#inside)];
    this.#marks = layOutRoute(context, this.#route, this.#camera, this.#size, keep, this.#selectedId);
    const place = this.#place;
    this.#placeMark = place === null ? null : markOf(context, place, this.#camera, this.#size, [...keep, ...marksBoxes(this.#marks)]);
  }

  #fly(nowMs: number): boolean {
    const flight = this.#flight;
    if (flight === null) return false;
    const t = Math.min(1, (nowMs - flight.startedMs) / FLIGHT_MS);
    this.#camera = t === 1 ? flight.to : clampCamera(between(flight.from, flight.to, eased(t)), this.#size);
    this.#baseDirty = true;
    this.#movedMs = nowMs;
    if (t === 1) this.#flight = null;
    return t < 1;
  }

  #paintBase(context: CanvasRenderingContext2D, ink: Ink, nowMs: number): void {
    this.#baseDirty = false;
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context.fillStyle = ink.paper;
    context.fillRect(0, 0, this.#size.width, this.#size.height);
    const waters = paintGraticule(context, this.#camera, this.#size, ink);
    const chosen = this.#placeMark === null ? [] : boxesOfMark(this.#placeMark);
    const route = boxesOf(this.#route, this.#marks, this.#camera, this.#size);
    const boxes = [...chosen, ...route, ...this.#keep, ...waters, ...edgesOf(this.#inside)];
    const reserved: Reserved = { boxes, cityIds: new Set([...this.#route.stops.map((stop) => stop.cityId), this.#place?.id ?? 0]) };
    const view = { camera: this.#camera, size: this.#size, ratio: this.#ratio, ink, reserved, reservedKey: this.#reservedKey };
    const moving = nowMs - this.#movedMs < REST_MS;
    const exact = this.#cities?.paint(context, view, moving) ?? true;
    if (!exact) this.#awaitRest();
  }

  #awaitRest(): void {
    if (this.#restAwaited) return;
    this.#restAwaited = true;
    this.#ports.after(Math.max(1, REST_MS - (this.#ports.now() - this.#movedMs)), () => {
      this.#restAwaited = false;
      if (this.#ports.now() - this.#movedMs < REST_MS) this.#awaitRest();
      else this.#ask(true);
    });
  }

  #paintOver(context: CanvasRenderingContext2D, ink: Ink): void {
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context.clearRect(0, 0, this.#size.width, this.#size.height);
    paintRoute(context, this.#route, this.#marks, this.#camera, this.#size, ink, this.#selectedId);
    this.#paintCityMarks(context, ink);
    if (this.#aim) paintAim(context, this.#middle(), ink);
    paintFrame(context, this.#camera, this.#size, ink, this.#slim);
    paintScale(context, this.#camera, this.#size, ink, this.#slim);
    if (this.#pointer !== null) paintFrameMarks(context, this.#pointer, this.#size, ink.ink, this.#slim);
    paintCursors(context, this.#cursors, this.#motion, {
      camera: this.#camera,
      size: this.#size,
      ink,
      inside: this.#inside,
      keep: this.#kept(),
    });
  }

  #paintCityMarks(context: CanvasRenderingContext2D, ink: Ink): void {
    const hovered = this.#hovered;
    if (hovered !== null && hovered !== this.#place) {
      const mark = markOf(context, hovered, this.#camera, this.#size, this.#kept());
      paintMark(context, mark, ink, false, this.#cities?.names(hovered.id) !== true);
    }
    if (this.#placeMark !== null) paintMark(context, this.#placeMark, ink, true, true);
  }

  /** What the names of people and of cities pointed out keep clear of. */
  #kept(): Box[] {
    return [
      ...this.#keep,
      ...outsideOf(this.#inside),
      ...marksBoxes(this.#marks),
      ...(this.#placeMark === null ? [] : boxesOfMark(this.#placeMark)),
    ];
  }
}
