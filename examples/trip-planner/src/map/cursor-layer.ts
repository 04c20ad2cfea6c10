import type { Ink } from './ink.ts';
import { type Box, placeLabels } from './label-placement.ts';
import { type Camera, type GeoPoint, nearestCopy, project, type ScreenPoint, type Size, toScreen, type WorldPoint } from './projection.ts';
import { fontOf, textWidth } from './text.ts';

/** Another person's pointer on the map. */
export interface MapCursor extends GeoPoint {
  readonly sessionId: string;
  readonly name: string;
  /** The name of a person's ink; an unknown one is drawn in plain ink. */
  readonly color: string;
}

/** Updates arrive some twenty times a second; the mark closes half of what is left in this time. */
const HALF_WAY_MS = 38;
const NAME_FONT = fontOf(13.5, 650);
const PLATE_AIR_PX = 4;
/** Nearer than this to its place a mark is there. A length of the world: a hair at the nearest zoom. */
const THERE = 1e-7;

/** Moves shown marks towards where people are, so that twenty updates a second look like a hand. */
export class CursorMotion {
  readonly #shown = new Map<string, WorldPoint>();

  /** Moves every mark for the time passed. True while one is still on its way: the caller then paints another frame. */
  advance(cursors: readonly MapCursor[], elapsedMs: number, still: boolean): boolean {
    const present = new Set(cursors.map((one) => one.sessionId));
    for (const id of this.#shown.keys()) if (!present.has(id)) this.#shown.delete(id);
    const share = still ? 1 : 1 - 0.5 ** (elapsedMs / HALF_WAY_MS);
    let moving = false;
    for (const one of cursors) {
      const target = project(one);
      const shown = this.#shown.get(one.sessionId);
      if (shown === undefined) {
        this.#shown.set(one.sessionId, target);
        continue;
      }
      const dx = nearestCopy(target.x, shown.x) - shown.x;
      const dy = target.y - shown.y;
      if (Math.hypot(dx, dy) <= THERE) continue;
      moving ||= !still;
      this.#shown.set(one.sessionId, { x: shown.x + dx * share, y: shown.y + dy * share });
    }
    return moving;
  }

  at(sessionId: string): WorldPoint | undefined {
    return this.#shown.get(sessionId);
  }
}

/** Where people are painted. */
export interface CursorView {
  readonly camera: Camera;
  readonly size: Size;
  readonly ink: Ink;
  /** The map inside its frame. */
  readonly inside: Box;
  readonly keep: readonly Box[];
}

interface Mark {
  /** In the view, or on the edge beyond which the person is. */
  readonly at: ScreenPoint;
  /** The direction in which to look for them; null for people in the view. */
  readonly beyond: number | null;
  readonly name: string;
  readonly color: string;
}

/** Half a line of text away from the edges, so that a name fits beside a mark in the very corner. */
const inwards = ({ x, y }: ScreenPoint, { left, top, right, bottom }: Box): ScreenPoint => ({
  x: within(x, left + 9, right - 9),
  y: within(y, top + 9, bottom - 9),
});

const within = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** Pens with names inside the view; people elsewhere are a mark on the edge they are beyond. `keep` is kept clear of names. */
export function paintCursors(
  context: CanvasRenderingContext2D,
  cursors: readonly MapCursor[],
  motion: CursorMotion,
  view: CursorView,
): void {
  const { camera, size, ink, inside } = view;
  const marks = cursors.map((one): Mark => {
    const world = motion.at(one.sessionId) ?? project(one);
    const there = toScreen({ x: nearestCopy(world.x, camera.x), y: world.y }, camera, size);
    const at = { x: within(there.x, inside.left, inside.right), y: within(there.y, inside.top, inside.bottom) };
    const beyond = at.x === there.x && at.y === there.y ? null : Math.atan2(there.y - at.y, there.x - at.x);
    return { at, beyond, name: one.name, color: ink.people[one.color] ?? ink.ink };
  });
  for (const mark of marks) {
    if (mark.beyond === null) paintPen(context, mark.at, mark.color, ink);
    else paintBeyond(context, mark.at, mark.beyond, mark.color);
  }
  paintNames(context, marks, view);
}

function paintPen(context: CanvasRenderingContext2D, { x, y }: ScreenPoint, color: string, ink: Ink): void {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + 5, y + 16);
  context.lineTo(x + 8.5, y + 9.5);
  context.lineTo(x + 15.5, y + 7);
  context.closePath();
  context.lineJoin = 'round';
  context.lineWidth = 3;
  context.strokeStyle = ink.paper;
  context.stroke();
  context.fillStyle = color;
  context.fill();
}

function paintBeyond(context: CanvasRenderingContext2D, { x, y }: ScreenPoint, angle: number, color: string): void {
  context.save();
  context.translate(x, y);
  context.rotate(angle);
  context.beginPath();
  context.moveTo(-1, 0);
  context.lineTo(-11, -6);
  context.lineTo(-11, 6);
  context.closePath();
  context.restore();
  context.fillStyle = color;
  context.fill();
}

/** Names beside their marks; where several meet, each takes a free side, and the last may go without. */
function paintNames(context: CanvasRenderingContext2D, marks: readonly Mark[], { inside, keep, ink }: CursorView): void {
  const boxes = marks.map(
    ({ at, beyond }): Box =>
      beyond === null
        ? { left: at.x, top: at.y, right: at.x + 15, bottom: at.y + 15 }
        : { left: at.x - 7, top: at.y - 7, right: at.x + 7, bottom: at.y + 7 },
  );
  const requests = marks.map(({ at, beyond, name }) => {
    const middle = beyond === null ? { x: at.x + 8, y: at.y + 12 } : inwards(at, inside);
    return { ...middle, gap: beyond === null ? 10 : 15, width: textWidth(context, name, NAME_FONT), height: 16 };
  });
  const places = placeLabels(requests, [...boxes, ...keep], { max: marks.length, airX: 2, airY: 0 });
  context.font = NAME_FONT;
  context.textBaseline = 'middle';
  context.lineWidth = 1;
  for (const [i, { name, color }] of marks.entries()) {
    const place = places[i];
    if (place === null || place === undefined) continue;
    paintPlate(context, place, color, ink);
    context.fillStyle = color;
    context.fillText(name, place.left, (place.top + place.bottom) / 2);
  }
}

/** A person's name is said over whatever the map has written there. */
function paintPlate(context: CanvasRenderingContext2D, { left, top, right, bottom }: Box, color: string, ink: Ink): void {
  const [x, y] = [Math.round(left - PLATE_AIR_PX) + 0.5, Math.round(top) - 0.5];
  context.fillStyle = ink.paper;
  context.strokeStyle = color;
  context.beginPath();
  context.rect(x, y, Math.round(right - left + 2 * PLATE_AIR_PX), Math.round(bottom - top + 1));
  context.fill();
  context.stroke();
}
