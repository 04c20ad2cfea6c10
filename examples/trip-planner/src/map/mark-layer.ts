import type { CityRow } from './city-index.ts';
import { dotStyle } from './city-layer.ts';
import type { Ink } from './ink.ts';
import { type Box, placeLabels, type Placement } from './label-placement.ts';
import { type Camera, nearestCopy, project, type ScreenPoint, type Size, toScreen } from './projection.ts';
import { fontOf, textWidth } from './text.ts';

const NAME_FONT = fontOf(15, 650);
const NAME_HEIGHT_PX = 17;

/** A city pointed out: a ring around its dot, and its name where nothing else stands. */
export interface CityMark extends ScreenPoint {
  readonly city: CityRow;
  readonly radius: number;
  readonly name: Placement | null;
}

export function markOf(context: CanvasRenderingContext2D, city: CityRow, camera: Camera, size: Size, keep: readonly Box[]): CityMark {
  const world = project(city);
  const at = toScreen({ x: nearestCopy(world.x, camera.x), y: world.y }, camera, size);
  const radius = dotStyle(camera.zoom, 1).radius(1) + 4;
  const request = { ...at, gap: radius + 5, width: textWidth(context, city.name, NAME_FONT), height: NAME_HEIGHT_PX };
  const seen = at.x >= 0 && at.y >= 0 && at.x <= size.width && at.y <= size.height;
  const [name = null] = placeLabels([request], keep, { max: seen ? 1 : 0, airX: 0, airY: 0 });
  return { city, ...at, radius, name };
}

/** The boxes other names must keep clear of. */
export function boxesOfMark({ x, y, radius, name }: CityMark): Box[] {
  const ring = { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius };
  return name === null ? [ring] : [ring, name];
}

/** `chosen`: its card is open; otherwise the pointer is just passing. Without `named` only the ring is drawn. */
export function paintMark(context: CanvasRenderingContext2D, mark: CityMark, ink: Ink, chosen: boolean, named: boolean): void {
  const { x, y, radius, name, city } = mark;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.strokeStyle = ink.paper;
  context.lineWidth = chosen ? 5 : 4;
  context.stroke();
  context.strokeStyle = ink.ink;
  context.lineWidth = chosen ? 2 : 1.25;
  context.stroke();
  if (name === null || !named) return;
  context.font = NAME_FONT;
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.lineWidth = 5;
  context.strokeStyle = ink.paper;
  const middle = (name.top + name.bottom) / 2 + 1;
  context.strokeText(city.name, name.left, middle);
  context.fillStyle = ink.ink;
  context.fillText(city.name, name.left, middle);
}

/** A cross in the middle of the view: what the keyboard points at. */
export function paintAim(context: CanvasRenderingContext2D, { x, y }: ScreenPoint, ink: Ink): void {
  const arms = [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ] as const;
  for (const [color, width] of [
    [ink.paper, 4.5],
    [ink.ink, 1.5],
  ] as const) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    for (const [dx, dy] of arms) {
      context.moveTo(x + dx * 6, y + dy * 6);
      context.lineTo(x + dx * 16, y + dy * 16);
    }
    context.stroke();
  }
}
