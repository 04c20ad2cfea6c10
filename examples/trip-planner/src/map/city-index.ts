import { project, type WorldPoint } from './projection.ts';

/** What the map needs of a row of `cities`. */
export interface CityRow {
  readonly id: number;
  readonly name: string;
  readonly country: string;
  readonly population: number;
  readonly lat: number;
  readonly lon: number;
}

/** The world is cut into this many cells each way; a cell's cities lie side by side, the largest first. */
const CELLS = 64;
/** Half of the cells are sea: what land has must make up for it. */
const PER_CELL_MIN = 8;

/** All cities as flat arrays, ordered by cell and then by population. Built once per result, read every frame. */
export interface CityIndex {
  readonly rows: readonly CityRow[];
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** 0 (a hamlet) … 1 (the largest cities), by the logarithm of the population. */
  readonly weight: Float32Array;
  /** Cell c holds the entries starts[c] … starts[c + 1] - 1. */
  readonly starts: Uint32Array;
}

/** A part of the world; `left` and `right` may lie on a repeated copy. */
export interface WorldBox {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const cellOf = (value: number) => Math.min(CELLS - 1, Math.max(0, Math.floor(value * CELLS)));

/** 300 people and fewer weigh nothing, twenty million weigh one. */
export const weightOf = (population: number): number => Math.min(1, Math.max(0, (Math.log10(Math.max(1, population)) - 2.5) / 4.8));

export function buildCityIndex(cities: readonly CityRow[]): CityIndex {
  const projected = cities.map((row) => ({ row, ...project(row) }));
  const cells = projected.map(({ x, y }) => cellOf(y) * CELLS + cellOf(x));
  const order = projected.map((_, i) => i);
  const population = (i: number) => cities[i]?.population ?? 0;
  order.sort((a, b) => (cells[a] ?? 0) - (cells[b] ?? 0) || population(b) - population(a) || a - b);
  const rows: CityRow[] = [];
  const [x, y, weight] = [new Float32Array(order.length), new Float32Array(order.length), new Float32Array(order.length)];
  const starts = new Uint32Array(CELLS * CELLS + 1);
  for (const [slot, i] of order.entries()) {
    const city = projected[i];
    if (city === undefined) continue;
    rows.push(city.row);
    [x[slot], y[slot], weight[slot]] = [city.x, city.y, weightOf(city.row.population)];
    const next = (cells[i] ?? 0) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let cell = 1; cell < starts.length; cell++) starts[cell] = (starts[cell] ?? 0) + (starts[cell - 1] ?? 0);
  return { rows, x, y, weight, starts };
}

/**
 * Calls `visit(from, to, shift)` for the runs of entries whose cells touch the box. `shift` is added to an entry's `x`
 * to bring it onto the copy of the world the box is on. Entries just outside the box come too: a cell is not cut.
 */
export function forEachRun(index: CityIndex, box: WorldBox, visit: (from: number, to: number, shift: number) => void): void {
  const [top, bottom] = [cellOf(box.top), cellOf(box.bottom)];
  for (let copy = Math.floor(box.left); copy <= Math.floor(box.right); copy++) {
    const [left, right] = [cellOf(box.left - copy), cellOf(box.right - copy)];
    for (let row = top; row <= bottom; row++) {
      const from = index.starts[row * CELLS + left] ?? 0;
      const to = index.starts[row * CELLS + right + 1] ?? 0;
      if (to > from) visit(from, to, copy);
    }
  }
}

/** An entry of the index, on the copy of the world that was asked about. */
export interface FoundCity extends WorldPoint {
  readonly row: CityRow;
  readonly weight: number;
}

const within = (box: WorldBox, x: number, y: number) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;

/**
 * About `wanted` of the most populous cities in the box, the largest first. Each cell gives as many as the others: over a
 * wide view no single crowded region takes all the names. Equal populations stay together, neighbours side by side.
 */
export function largestIn(index: CityIndex, box: WorldBox, wanted: number): FoundCity[] {
  const found: FoundCity[] = [];
  const cellsAcross = Math.min(CELLS, Math.ceil((box.right - box.left) * CELLS));
  const cellsDown = Math.min(CELLS, Math.ceil((box.bottom - box.top) * CELLS));
  const perCell = Math.max(PER_CELL_MIN, Math.ceil(wanted / Math.max(1, cellsAcross * cellsDown)));
  const takeCell = (cell: number, copy: number) => {
    const from = index.starts[cell] ?? 0;
    const to = Math.min(index.starts[cell + 1] ?? 0, from + perCell);
    for (let i = from; i < to; i++) {
      const [row, x, y] = [index.rows[i], (index.x[i] ?? 0) + copy, index.y[i] ?? 0];
      if (row !== undefined && within(box, x, y)) found.push({ row, x, y, weight: index.weight[i] ?? 0 });
    }
  };
  for (let copy = Math.floor(box.left); copy <= Math.floor(box.right); copy++) {
    for (let row = cellOf(box.top); row <= cellOf(box.bottom); row++) {
      for (let column = cellOf(box.left - copy); column <= cellOf(box.right - copy); column++) takeCell(row * CELLS + column, copy);
    }
  }
  return found.sort((a, b) => b.row.population - a.row.population || a.x - b.x || a.row.id - b.row.id).slice(0, wanted);
}

/**
 * The city meant by a point: of those within `radius` (a length of the world) the one with the best mix of near and
 * large, so that a metropolis is not lost behind its suburbs. Null where there is none.
 */
export function cityAt(index: CityIndex, point: WorldPoint, radius: number): FoundCity | null {
  const box = { left: point.x - radius, right: point.x + radius, top: point.y - radius, bottom: point.y + radius };
  let best: FoundCity | null = null;
  let bestScore = -Infinity;
  forEachRun(index, box, (from, to, shift) => {
    for (let i = from; i < to; i++) {
      const [x, y] = [(index.x[i] ?? 0) + shift, index.y[i] ?? 0];
      const distance = Math.hypot(x - point.x, y - point.y) / radius;
      const weight = index.weight[i] ?? 0;
      const row = index.rows[i];
      if (distance > 1 || row === undefined || weight - distance <= bestScore) continue;
      bestScore = weight - distance;
      best = { row, x, y, weight };
    }
  });
  return best;
}
