/** A value of a result, as SQLite gives it. */
export type Cell = string | number | bigint | null | Uint8Array;

export interface ResultTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What a bar chart can be drawn from. */
export interface Bars {
  readonly labelColumn: string;
  readonly valueColumn: string;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
  /** Rows of the result that are not among the bars. */
  readonly left: number;
}

export const BARS_MAX = 40;
/** Below this a number cannot be divided into steps any more. */
const RANGE_MIN = 1e-300;

const isNumber = (cell: Cell | undefined): cell is number | bigint => typeof cell === 'number' || typeof cell === 'bigint';

/** A column is a value where every row has a number or nothing in it, and at least one has a number. */
function isValueColumn({ rows }: ResultTable, column: number): boolean {
  return rows.some((row) => isNumber(row[column])) && rows.every((row) => row[column] === null || isNumber(row[column]));
}

/**
 * The chart a result suggests: the first column that is not a number labels the bars, the first that is (and is not the
 * label) measures them. A result of numbers alone is labelled by its first column. Null where nothing can be measured.
 */
export function barsOf(table: ResultTable, valueColumn?: string): Bars | null {
  const measures = table.columns.map((_, i) => i).filter((i) => isValueColumn(table, i));
  const named = table.columns.findIndex((_, i) => !measures.includes(i));
  const label = named === -1 ? (measures[0] ?? -1) : named;
  const candidates = measures.filter((i) => i !== label);
  const value = candidates.find((i) => table.columns[i] === valueColumn) ?? candidates[0] ?? measures[0];
  if (value === undefined || label === -1) return null;
  const shown = table.rows.slice(0, BARS_MAX);
  return {
    labelColumn: table.columns[label] ?? '',
    valueColumn: table.columns[value] ?? '',
    bars: shown.map((row) => ({ label: formatCell(row[label] ?? null), value: Number(row[value] ?? 0) })),
    left: table.rows.length - shown.length,
  };
}

/** The columns a chart may measure. */
export const valueColumns = (table: ResultTable): string[] => table.columns.filter((_, i) => isValueColumn(table, i));

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

export function formatCell(cell: Cell): string {
  if (cell === null) return 'null';
  if (cell instanceof Uint8Array) return `${cell.length} bytes`;
  return typeof cell === 'string' ? cell : decimals.format(cell);
}
