import { type Cell, formatCell, type ResultTable } from './chart-scale.ts';

/** What a bar chart can be drawn from. */
export interface Bars {
  readonly labelColumn: string;
  readonly valueColumn: string;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
  /** Rows of the result that are not among the bars. */
  readonly left: number;
}

/** A number of its own, with what it counts. */
export interface Figure {
  readonly name: string;
  readonly value: string;
}

/** How a result is shown where nobody chose: `figures` for a row of few numbers, `chart` where all its bars fit, else `table`. */
export type ResultForm = 'figures' | 'chart' | 'table';

export const BARS_MAX = 40;
const FIGURES_MAX = 4;

/** Names of columns whose numbers name a thing instead of measuring it: keys, places, days. */
const NAMES_A_ROW = /(^|_)(id|key|uuid|rowid|oid|seq|version)$|[a-z](Id|Key)$/;
const NAMES_A_PLACE = /^(lat|lon|lng|latitude|longitude)$/i;
const NAMES_A_TIME = /(^|_)(ms|at|time|date|day|month|year)$|[a-z](Ms|At|Time|Date)$/i;
/** From here on a number under such a name is a moment, not a length of time: seconds since 2001. */
const MOMENT_MIN = 1e9;
const YEARS = { min: 1000, max: 3000 };

const isNumber = (cell: Cell | undefined): cell is number | bigint => typeof cell === 'number' || typeof cell === 'bigint';

const columnOf = ({ rows }: ResultTable, column: number): Cell[] => rows.map((row) => row[column] ?? null);

/** Numbers, or nothing, in every row; a number in one at least. */
const isNumeric = (cells: readonly Cell[]): boolean => cells.some(isNumber) && cells.every((cell) => cell === null || isNumber(cell));

const isDistinct = (cells: readonly Cell[]): boolean => new Set(cells).size === cells.length;

/** Whether a bar as long as these numbers says anything: keys, coordinates, moments, years and yes-or-no do not. */
function measures(name: string, cells: readonly Cell[]): boolean {
  if (!isNumeric(cells) || NAMES_A_ROW.test(name) || NAMES_A_PLACE.test(name)) return false;
  const numbers = cells.filter(isNumber).map(Number);
  if (NAMES_A_TIME.test(name) && numbers.every((n) => n >= MOMENT_MIN || (n >= YEARS.min && n <= YEARS.max))) return false;
  return !numbers.every((n) => n === 0 || n === 1);
}

/** Whether a column's numbers name a thing (a key, a place, a year): they are then written as they are. */
export const namesThings = (name: string): boolean => NAMES_A_ROW.test(name) || NAMES_A_PLACE.test(name) || NAMES_A_TIME.test(name);

/** The columns a chart may measure. */
export const valueColumns = (table: ResultTable): string[] =>
  table.columns.filter((name, i) => measures(name, columnOf(table, i)) && i !== labelOf(table));

/**
 * The column whose cells stand beside the bars: words that tell the rows apart before words that do not, words before keys written in letters, and among numbers
 * alone the first that tells the rows apart, if another is left to measure. -1 without one.
 */
function labelOf(table: ResultTable): number {
  const columns = table.columns.map((name, i) => ({ name, i, cells: columnOf(table, i) }));
  const words = columns.filter(({ cells }) => cells.some((cell) => typeof cell === 'string'));
  const named = words.filter(({ name }) => !NAMES_A_ROW.test(name));
  const best = named.find(({ cells }) => isDistinct(cells)) ?? named[0] ?? words[0];
  if (best !== undefined) return best.i;
  const numbers = columns.filter(({ cells }) => isNumeric(cells) && isDistinct(cells));
  const naming = numbers.find(({ name, cells }) => !measures(name, cells)) ?? numbers[0];
  const others = columns.filter(({ name, i, cells }) => i !== naming?.i && measures(name, cells));
  return naming === undefined || others.length === 0 ? -1 : naming.i;
}

/**
 * The bars a result suggests, of the first column that measures something or of `wanted`. Null where bars would say nothing: fewer than two rows, nothing
 * that tells them apart, nothing to measure.
 */
export function barsOf(table: ResultTable, wanted?: string): Bars | null {
  const label = labelOf(table);
  const columns = valueColumns(table);
  const valueColumn = columns.find((name) => name === wanted) ?? columns[0];
  if (table.rows.length < 2 || label === -1 || valueColumn === undefined) return null;
  const value = table.columns.findIndex((name, i) => name === valueColumn && i !== label);
  const shown = table.rows.slice(0, BARS_MAX);
  return {
    labelColumn: table.columns[label] ?? '',
    valueColumn,
    bars: shown.map((row) => ({ label: formatCell(row[label] ?? null), value: Number(row[value] ?? 0) })),
    left: table.rows.length - shown.length,
  };
}

/** The numbers of a result that is one row of few numbers; null for any other. */
export function figuresOf({ columns, rows }: ResultTable): Figure[] | null {
  const [row] = rows;
  if (row === undefined || rows.length > 1 || columns.length > FIGURES_MAX || !columns.every((_, i) => isNumber(row[i]))) return null;
  return columns.map((name, i) => ({ name, value: formatCell(row[i] ?? null) }));
}

export function formOf(table: ResultTable): ResultForm {
  if (figuresOf(table) !== null) return 'figures';
  return table.rows.length <= BARS_MAX && barsOf(table) !== null ? 'chart' : 'table';
}
