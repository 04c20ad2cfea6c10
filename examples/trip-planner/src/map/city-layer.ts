import { type CityIndex, type FoundCity, largestIn, type WorldBox } from './city-index.ts';
import { type DotStyle, drawDots } from './dots.ts';
import { type Ink, pixelColor } from './ink.ts';
import { type Box, type LabelRequest, type Placement, placeLabels } from './label-placement.ts';
import { type Camera, nearestCopy, type Size, toScreen, toWorld, worldSizePx } from './projection.ts';
import { fontOf, textWidth } from './text.ts';

/** Drawn around the view so that a pan is a copy of pixels until it has gone this far. */
const MARGIN_PX = 128;
/** A drawing that took longer than this is not repeated while the zoom moves: the last one is stretched until it rests. */
const EXACT_BUDGET_MS = 9;
/** One name per so many square pixels: calm before complete. */
const AREA_PER_NAME_PX2 = 26_000;
const CANDIDATES_MAX = 500;
/** Some twenty kilometres at middle latitudes, as a length of the world. */
const TWIN_WORLD = 1 / 1_400;

/** What of the route the names of cities must keep clear of, in pixels of the view. */
export interface Reserved {
  readonly boxes: readonly Box[];
  /** Cities named by the route itself. */
  readonly cityIds: ReadonlySet<number>;
}

export interface CityView {
  readonly camera: Camera;
  readonly size: Size;
  /** Device pixels per pixel of the page. */
  readonly ratio: number;
  readonly ink: Ink;
  readonly reserved: Reserved;
  /** Changes when what is reserved changes other than by moving with the map. */
  readonly reservedKey: unknown;
}

interface Drawing extends CityView {
  readonly tookMs: number;
}

const mix = (from: number, to: number, t: number) => from + (to - from) * Math.min(1, Math.max(0, t));

/**
 * From a world in which only density speaks to a region in which each town is a disc. Pixels of the page; the square of
 * the weight leaves hamlets a grain and lets capitals stand out.
 */
export function dotStyle(zoom: number, ratio: number): DotStyle {
  const near = (zoom - 2) / 7;
  return {
    radius: (weight) => ratio * (mix(0.4, 1.5, near) + weight ** 2.4 * mix(1.5, 6.5, near)),
    ink: (weight) => mix(mix(0.3, 0.85, near * 1.6), 0.94, weight ** 1.4),
    ceiling: (weight) => mix(mix(0.56, 0.9, near * 1.6), 1, weight * 1.2 - 0.25),
  };
}

export const labelSizePx = (weight: number): number => 12.5 + Math.round(weight ** 2 * 7) / 2;
/** From this weight on a name is set in full ink: the handful of metropolises far out, every larger town near by. */
const strongWeight = (zoom: number): number => mix(0.93, 0.62, (zoom - 2) / 6);

/** The dots and names of cities, kept as one bitmap that outlasts the frame. */
export class CityLayer {
  readonly #canvas = document.createElement('canvas');
  readonly #index: CityIndex;
  readonly #now: () => number;
  #drawing: Drawing | null = null;
  #named: ReadonlySet<number> = new Set();

  /** `now` in milliseconds, to weigh one drawing against the frame's budget. */
  constructor(index: CityIndex, now: () => number) {
    this.#index = index;
    this.#now = now;
  }

  /**
   * Paints the layer into the view. `moving` allows an older drawing, moved and stretched; the answer says whether what
   * was painted was made for this very view, and where it was not the caller paints again at rest.
   */
  paint(context: CanvasRenderingContext2D, view: CityView, moving: boolean): boolean {
    const last = this.#drawing;
    const comparable = last !== null && last.ratio === view.ratio && last.ink === view.ink && sameSize(last.size, view.size);
    const same = comparable && last.reservedKey === view.reservedKey && sameCamera(last.camera, view.camera);
    const panned = comparable && moving && last.camera.zoom === view.camera.zoom && covers(last, view.camera);
    const stretched = comparable && moving && last.tookMs > EXACT_BUDGET_MS && Math.abs(last.camera.zoom - view.camera.zoom) < 1;
    const exact = same || !(panned || stretched);
    if (exact && !same) this.#draw(view);
    this.#copy(context, view.camera);
    return exact;
  }

  /** Whether the last drawing names this city. */
  names(cityId: number): boolean {
    return this.#named.has(cityId);
  }

  /** The next paint draws anew: the typeface has arrived. */
  forget(): void {
    this.#drawing = null;
  }

  #copy(context: CanvasRenderingContext2D, camera: Camera): void {
    const last = this.#drawing;
    if (last === null) return;
    const { size, ratio } = last;
    const grown = worldSizePx(camera.zoom) / worldSizePx(last.camera.zoom);
    const middle = toScreen({ x: nearestCopy(last.camera.x, camera.x), y: last.camera.y }, camera, size);
    const [width, height] = [(size.width + 2 * MARGIN_PX) * grown, (size.height + 2 * MARGIN_PX) * grown];
    // Whole device pixels: a bitmap laid between them would blur.
    const snap = (value: number) => (grown === 1 ? Math.round(value * ratio) / ratio : value);
    context.drawImage(this.#canvas, snap(middle.x - width / 2), snap(middle.y - height / 2), width, height);
  }

  #draw(view: CityView): void {
    const startedMs = this.#now();
    const { camera, ratio, ink } = view;
    const size = { width: view.size.width + 2 * MARGIN_PX, height: view.size.height + 2 * MARGIN_PX };
    const [width, height] = [Math.ceil(size.width * ratio), Math.ceil(size.height * ratio)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    const topLeft = toWorld({ x: 0, y: 0 }, camera, size);
    const bottomRight = toWorld({ x: size.width, y: size.height }, camera, size);
    const box: WorldBox = { left: topLeft.x, top: topLeft.y, right: bottomRight.x, bottom: bottomRight.y };
    const image = new ImageData(width, height);
    const sheet = { pixels: new Uint32Array(image.data.buffer), width, height };
    const transform = { originX: box.left, originY: box.top, scale: worldSizePx(camera.zoom) * ratio };
    drawDots(this.#index, box, sheet, transform, dotStyle(camera.zoom, ratio), pixelColor(ink.dot));
    context.putImageData(image, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#drawNames(context, box, camera, size, view.reserved, ink);
    this.#drawing = { ...view, tookMs: this.#now() - startedMs };
  }

  #drawNames(context: CanvasRenderingContext2D, box: WorldBox, camera: Camera, size: Size, reserved: Reserved, ink: Ink): void {
    const style = dotStyle(camera.zoom, 1);
    const found = countedOnce(largestIn(this.#index, box, CANDIDATES_MAX)).filter((city) => !reserved.cityIds.has(city.row.id));
    const requests = found.map((city) => nameRequest(context, city, toScreen(city, camera, size), style));
    const boxes = reserved.boxes.map((b) => shifted(b, MARGIN_PX));
    const max = Math.round((size.width * size.height) / AREA_PER_NAME_PX2);
    const places = placeLabels(requests, boxes, { max, airX: 18, airY: 9 });
    this.#named = new Set(found.filter((_, i) => places[i] !== null).map((city) => city.row.id));
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    for (const [i, place] of places.entries()) {
      const city = found[i];
      if (place !== null && city !== undefined) drawName(context, city, place, ink, city.weight >= strongWeight(camera.zoom));
    }
  }
}

/** A city and its own core come with one and the same population: the shorter name stands for both. */
function countedOnce(cities: readonly FoundCity[]): FoundCity[] {
  const twin = (a: FoundCity, b: FoundCity | undefined) =>
    b !== undefined && a.row.population === b.row.population && a.row.population > 0 && Math.hypot(a.x - b.x, a.y - b.y) < TWIN_WORLD;
  return cities.filter((city, i) => {
    const rival = [cities[i - 1], cities[i + 1]].find((other) => twin(city, other));
    return rival === undefined || city.row.name.length < rival.row.name.length;
  });
}

const sameCamera = (a: Camera, b: Camera) => a.x === b.x && a.y === b.y && a.zoom === b.zoom;
const sameSize = (a: Size, b: Size) => a.width === b.width && a.height === b.height;

function covers(last: Drawing, camera: Camera): boolean {
  const scale = worldSizePx(camera.zoom);
  const dx = Math.abs(nearestCopy(last.camera.x, camera.x) - camera.x) * scale;
  return dx <= MARGIN_PX && Math.abs(last.camera.y - camera.y) * scale <= MARGIN_PX;
}

const shifted = (box: Box, by: number): Box => ({ left: box.left + by, right: box.right + by, top: box.top + by, bottom: box.bottom + by });

function nameRequest(
  context: CanvasRenderingContext2D,
  { row, weight }: FoundCity,
  at: { x: number; y: number },
  style: DotStyle,
): LabelRequest {
  const px = labelSizePx(weight);
  return { ...at, gap: style.radius(weight) + 5, width: textWidth(context, row.name, fontOf(px, 500)), height: px * 1.1 };
}

function drawName(context: CanvasRenderingContext2D, { row, weight }: FoundCity, place: Placement, ink: Ink, strong: boolean): void {
  const px = labelSizePx(weight);
  const y = (place.top + place.bottom) / 2 + px * 0.04;
  context.font = fontOf(px, strong ? 600 : 500);
  context.lineWidth = 4;
  context.strokeStyle = ink.paper;
  context.strokeText(row.name, place.left, y);
  context.fillStyle = strong ? ink.ink : ink.name;
  context.fillText(row.name, place.left, y);
}
