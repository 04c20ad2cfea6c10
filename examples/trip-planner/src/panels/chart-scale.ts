/** A value of a result, as SQLite gives it. */
export type Cell = string | number | bigint | null | Uint8Array;

export interface ResultTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Below this a number cannot be divided into steps any more. */
const RANGE_MIN = 1e-300;

/** Round numbers over the range of the values and nought: 1, 2 or 5 times a power of ten apart, at most about `countMax` steps. Infinities are left out. */
export function ticks(values: readonly number[], countMax: number): number[] {
  let [low, high] = [0, 0];
  for (const value of values) if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (high - low < RANGE_MIN) return [0];
  const rough = (high - low) / countMax;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((n) => n * power >= rough * (1 - 1e-9)) ?? 10) * power;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Where a value lies between the first and the last tick, 0…1; what lies beyond ends there. */
export function share(value: number, marks: readonly number[]): number {
  const [low, high] = [marks[0] ?? 0, marks.at(-1) ?? 1];
  return low === high ? 0 : Math.min(1, Math.max(0, (value - low) / (high - low)));
}

const decimals = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const formatTick = (value: number): string => short.format(value);

/** As the database has it, to be copied: no signs between thousands, nothing rounded away. For keys and coordinates. */
export const formatExact = (cell: Cell): string => (typeof cell === 'number' || typeof cell === 'bigint' ? String(cell) : formatCell(cell));

export function formatCell(cell: Cell): string {
  if (cell === null) return 'null';
  if (cell instanceof Uint8Array) return `${cell.length} bytes`;
  return typeof cell === 'string' ? cell : decimals.format(cell);
}
