import { type GeoPoint, nearestCopy, project, type WorldPoint } from './projection.ts';

type Vector = readonly [number, number, number];

const EARTH_RADIUS_KM = 6371.0088;
/** A bend every two degrees is smooth at every zoom at which a whole leg is in view. */
const DEGREES_PER_SEGMENT = 2;
const radians = (degrees: number) => (degrees * Math.PI) / 180;
const degrees = (angle: number) => (angle * 180) / Math.PI;

function toVector({ lon, lat }: GeoPoint): Vector {
  const [λ, φ] = [radians(lon), radians(lat)];
  return [Math.cos(φ) * Math.cos(λ), Math.cos(φ) * Math.sin(λ), Math.sin(φ)];
}

const toGeo = ([x, y, z]: Vector): GeoPoint => ({ lon: degrees(Math.atan2(y, x)), lat: degrees(Math.atan2(z, Math.hypot(x, y))) });

function angleBetween(a: Vector, b: Vector): number {
  const cross = Math.hypot(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]);
  return Math.atan2(cross, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
}

/** The shortest way over the earth's surface, in kilometres. */
export const distanceKm = (from: GeoPoint, to: GeoPoint): number => EARTH_RADIUS_KM * angleBetween(toVector(from), toVector(to));

/**
 * The shortest way as points from `from` to `to`, both included. Of the endlessly many ways between two points exactly
 * opposite each other it takes the one over the north pole's side.
 */
export function greatCircle(from: GeoPoint, to: GeoPoint): GeoPoint[] {
  const [a, b] = [toVector(from), toVector(to)];
  const angle = angleBetween(a, b);
  if (angle < 1e-9) return [from, to];
  if (Math.PI - angle < 1e-6) {
    const middle = { lon: from.lon, lat: from.lat + 90 > 90 ? 180 - (from.lat + 90) : from.lat + 90 };
    const over = from.lat + 90 > 90 ? { ...middle, lon: middle.lon + 180 } : middle;
    return [...greatCircle(from, over), ...greatCircle(over, to).slice(1)];
  }
  const segments = Math.max(1, Math.ceil(degrees(angle) / DEGREES_PER_SEGMENT));
  const points: GeoPoint[] = [from];
  for (let i = 1; i < segments; i++) {
    const t = i / segments;
    const [p, q] = [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
    points.push(toGeo([a[0] * p + b[0] * q, a[1] * p + b[1] * q, a[2] * p + b[2] * q]));
  }
  points.push(to);
  return points;
}

/** A leg of the route on the unrolled world: its line, and the stops at its ends on the same copy of the world. */
export interface Leg {
  readonly line: readonly WorldPoint[];
  readonly km: number;
}

/** Unrolls points so that each lies on the copy of the world nearest to the one before: no line jumps across the map. */
export function unroll(points: readonly GeoPoint[], startX?: number): WorldPoint[] {
  let previous = startX;
  return points.map((point) => {
    const { x, y } = project(point);
    previous = previous === undefined ? x : nearestCopy(x, previous);
    return { x: previous, y };
  });
}

/** The legs between stops in order; one leg goes on where the one before it ended. */
export function routeLegs(stops: readonly GeoPoint[]): Leg[] {
  const legs: Leg[] = [];
  let x: number | undefined;
  for (const [i, to] of stops.entries()) {
    const from = stops[i - 1];
    if (from === undefined) continue;
    const line = unroll(greatCircle(from, to), x);
    x = line.at(-1)?.x;
    legs.push({ line, km: distanceKm(from, to) });
  }
  return legs;
}
