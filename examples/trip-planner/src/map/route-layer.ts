import { routeLegs, unroll } from './great-circle.ts';
import { type Ink } from './ink.ts';
import { alongLine } from './clip.ts';
import { type Box, type LabelRequest, placeLabels, type Placement, spreadMarks } from './label-placement.ts';
import {
  type Camera,
  type GeoPoint,
  nearestCopy,
  type ScreenPoint,
  type Size,
  toScreen,
  type WorldPoint,
  worldSizePx,
} from './projection.ts';
import { fontOf, textWidth } from './text.ts';

/** A stop as the map shows it. */
export interface MapStop extends GeoPoint {
  readonly id: string;
  readonly cityId: number;
  readonly name: string;
}

const MARK_RADIUS_PX = 11;
const SMALL_RADIUS_PX = 4;
const NAME_PX = 15;
/** The line keeps names away by boxes of this size along it, also a little outside the view. */
const BEAD_PX = 10;
const LINE_REACH_PX = 128;

/** The route on the unrolled world: changes with the stops, not with the view. */
export interface Route {
  readonly stops: readonly MapStop[];
  readonly at: readonly WorldPoint[];
  readonly lines: readonly (readonly WorldPoint[])[];
}

export function routeOf(stops: readonly MapStop[]): Route {
  return { stops, at: unroll(stops), lines: routeLegs(stops).map((leg) => leg.line) };
}

/** Where one stop is drawn in this view. */
export interface StopMark extends ScreenPoint {
  readonly stop: MapStop;
  readonly number: number;
  /** False: too near to an earlier one for its number; a small disc stands for it. */
  readonly full: boolean;
  readonly name: Placement | null;
}

/** Everything of the route that depends on the view; names stay off the boxes to `keep` clear. The selected stop is laid out first: it is never the one left out. */
export function layOutRoute(
  context: CanvasRenderingContext2D,
  route: Route,
  camera: Camera,
  size: Size,
  keep: readonly Box[],
  selectedId: string | null,
): StopMark[] {
  const order = route.stops.map((_, i) => i);
  order.sort((a, b) => Number(route.stops[b]?.id === selectedId) - Number(route.stops[a]?.id === selectedId) || a - b);
  const points = order.map((i) => {
    const { x = 0, y = 0 } = route.at[i] ?? {};
    return toScreen({ x: nearestCopy(x, camera.x), y }, camera, size);
  });
  const full = spreadMarks(points, MARK_RADIUS_PX);
  const font = fontOf(NAME_PX, 650);
  const requests: LabelRequest[] = order.map((stop, i) => ({
    x: points[i]?.x ?? 0,
    y: points[i]?.y ?? 0,
    gap: (full[i] === true ? MARK_RADIUS_PX : SMALL_RADIUS_PX) + 5,
    width: textWidth(context, route.stops[stop]?.name ?? '', font),
    height: NAME_PX * 1.15,
  }));
  const discs = points.map((point, i) => around(point, full[i] === true ? MARK_RADIUS_PX : SMALL_RADIUS_PX));
  const names = placeLabels(requests, [...discs, ...keep], { max: requests.length, airX: 4, airY: 2 });
  return order.flatMap((stopIndex, i) => {
    const [stop, point] = [route.stops[stopIndex], points[i]];
    if (stop === undefined || point === undefined) return [];
    const name = isInside(point, size) ? (names[i] ?? null) : null;
    return [{ stop, number: stopIndex + 1, ...point, full: full[i] === true, name }];
  });
}

/** A name without its mark would point at nothing. */
const isInside = ({ x, y }: ScreenPoint, { width, height }: Size) => x >= 0 && y >= 0 && x <= width && y <= height;

const around = ({ x, y }: ScreenPoint, radius: number): Box => ({
  left: x - radius,
  right: x + radius,
  top: y - radius,
  bottom: y + radius,
});

/** The boxes of stops' discs and names. */
export function marksBoxes(marks: readonly StopMark[]): Box[] {
  return marks.flatMap((mark) => {
    const disc = around(mark, mark.full ? MARK_RADIUS_PX + 3 : SMALL_RADIUS_PX + 2);
    return mark.name === null ? [disc] : [disc, mark.name];
  });
}

/** The boxes cities' names must keep clear of: discs, their names, the line itself. */
export function boxesOf(route: Route, marks: readonly StopMark[], camera: Camera, size: Size): Box[] {
  const view = { left: -LINE_REACH_PX, top: -LINE_REACH_PX, right: size.width + LINE_REACH_PX, bottom: size.height + LINE_REACH_PX };
  const beads = route.lines.flatMap((line) =>
    copiesOf(line, camera, size).flatMap((copy) =>
      alongLine(onScreen(line, copy, camera, size), view, BEAD_PX).map((point) => around(point, BEAD_PX / 2)),
    ),
  );
  return [...marksBoxes(marks), ...beads];
}

const onScreen = (line: readonly WorldPoint[], copy: number, camera: Camera, size: Size): ScreenPoint[] =>
  line.map((point) => toScreen({ x: point.x + copy, y: point.y }, camera, size));

export function paintRoute(
  context: CanvasRenderingContext2D,
  route: Route,
  marks: readonly StopMark[],
  camera: Camera,
  size: Size,
  ink: Ink,
  selectedId: string | null,
): void {
  context.lineJoin = 'round';
  context.lineCap = 'round';
  context.beginPath();
  for (const line of route.lines) for (const copy of copiesOf(line, camera, size)) trace(context, line, copy, camera, size);
  // A casing of paper lets the line read over dots without shouting.
  context.strokeStyle = ink.paper;
  context.lineWidth = 5;
  context.stroke();
  context.strokeStyle = ink.route;
  context.lineWidth = 2;
  context.stroke();
  for (const mark of [...marks].reverse()) paintMark(context, mark, ink, mark.stop.id === selectedId);
}

/** The whole-world shifts that bring a line into the view: usually one, at the widest zoom two. */
function copiesOf(line: readonly WorldPoint[], camera: Camera, size: Size): number[] {
  const half = size.width / 2 / worldSizePx(camera.zoom);
  let [low, high] = [Infinity, -Infinity];
  for (const { x } of line) [low, high] = [Math.min(low, x), Math.max(high, x)];
  const copies: number[] = [];
  for (let copy = Math.ceil(camera.x - half - high); copy <= Math.floor(camera.x + half - low); copy++) copies.push(copy);
  return copies;
}

function trace(context: CanvasRenderingContext2D, line: readonly WorldPoint[], copy: number, camera: Camera, size: Size): void {
  for (const [i, { x, y }] of onScreen(line, copy, camera, size).entries()) {
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
}

function paintMark(context: CanvasRenderingContext2D, { x, y, full, number, name, stop }: StopMark, ink: Ink, selected: boolean): void {
  const radius = full ? MARK_RADIUS_PX : SMALL_RADIUS_PX;
  disc(context, x, y, radius + 2, ink.paper);
  disc(context, x, y, radius, ink.route);
  if (selected) {
    context.strokeStyle = ink.route;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, y, radius + 4.5, 0, 2 * Math.PI);
    context.stroke();
  }
  context.textBaseline = 'middle';
  if (full) {
    context.font = fontOf(13, 700);
    context.fillStyle = ink.routeText;
    context.textAlign = 'center';
    context.fillText(String(number), x, y + 1);
    context.textAlign = 'start';
  }
  if (name === null) return;
  context.font = fontOf(NAME_PX, 650);
  context.lineWidth = 5;
  context.strokeStyle = ink.paper;
  const middle = (name.top + name.bottom) / 2 + 1;
  context.strokeText(stop.name, name.left, middle);
  context.fillStyle = ink.ink;
  context.fillText(stop.name, name.left, middle);
}

function disc(context: CanvasRenderingContext2D, x: number, y: number, radius: number, color: string): void {
  context.fillStyle = color;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** The stop under a point, with a little mercy; null where there is none. */
export function stopAt(marks: readonly StopMark[], point: ScreenPoint): MapStop | null {
  const hit = marks.find((mark) => Math.hypot(mark.x - point.x, mark.y - point.y) <= (mark.full ? MARK_RADIUS_PX : SMALL_RADIUS_PX) + 5);
  return hit?.stop ?? null;
}
