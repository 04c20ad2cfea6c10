import * as v from 'valibot';

/**
 * A value in JSON: null, text and finite numbers as they are; a blob as `{"b": base64}`; a REAL that JSON cannot hold as `{"r": "Infinity" | "-Infinity" | "-0"}`.
 */
export type WireCell = null | number | string | { readonly b: string } | { readonly r: 'Infinity' | '-Infinity' | '-0' };

/** Rows column by column: `cells[i]` holds the values of `columns[i]`, all equally long. */
export interface WireRows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly cells: readonly (readonly WireCell[])[];
}

/** Changes as readers get them: whole rows put, keys deleted, both column by column; no before-images. */
export interface WireTableChanges {
  readonly table: string;
  readonly columns: readonly string[];
  readonly puts: readonly (readonly WireCell[])[];
  readonly key: readonly string[];
  readonly deletes: readonly (readonly WireCell[])[];
}

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
