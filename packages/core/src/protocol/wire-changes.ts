import * as v from 'valibot';
import type { WireCell, WireRows, WireTableChanges } from '../change/wire-rows.ts';

export type { WireCell, WireRows, WireTableChanges } from '../change/wire-rows.ts';

const isCell = (cell: unknown): cell is WireCell => {
  if (cell === null || typeof cell === 'string') return true;
  if (typeof cell === 'number') return Number.isFinite(cell);
  if (typeof cell !== 'object' || Array.isArray(cell)) return false;
  const keys = Object.keys(cell);
  if (keys.length !== 1) return false;
  if ('b' in cell) return typeof cell.b === 'string';
  return 'r' in cell && (cell.r === 'Infinity' || cell.r === '-Infinity' || cell.r === '-0');
};

/** Whether `cells` is one equally long array of cells a column. One pass by hand: a schema library is far slower on 100,000 cells. */
const areColumns = (cells: unknown, count: number): boolean => {
  if (!Array.isArray(cells) || cells.length !== count) return false;
  const first: unknown = cells[0];
  const length = Array.isArray(first) ? first.length : 0;
  return cells.every((column) => Array.isArray(column) && column.length === length && column.every(isCell));
};

const isNames = (names: unknown): names is string[] => Array.isArray(names) && names.every(isName) && new Set(names).size === names.length;

const isName = (name: unknown): boolean => typeof name === 'string' && name.length > 0 && name.length <= 128;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** One bound value. */
export const wireCell = v.custom<WireCell>(isCell, 'not a cell');

/** Columns of a result: their names need not differ. */
export const wireCells = v.custom<readonly (readonly WireCell[])[]>(
  (value) => Array.isArray(value) && areColumns(value, value.length),
  'not columns of cells',
);

export const wireRows = v.custom<WireRows>(
  (value) => isRecord(value) && isName(value['table']) && isNames(value['columns']) && areColumns(value['cells'], value['columns'].length),
  'not columnar rows',
);

export const wireTableChanges = v.custom<WireTableChanges>(
  (value) =>
    isRecord(value) &&
    isName(value['table']) &&
    isNames(value['columns']) &&
    isNames(value['key']) &&
    areColumns(value['puts'], value['columns'].length) &&
    areColumns(value['deletes'], value['key'].length),
  'not columnar changes',
);
