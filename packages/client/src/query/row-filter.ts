import { exhaustive } from '@alcove/core/error';
import type { SqlValue } from '@alcove/core/sqlite/database';
import { compareText } from './compare-text.ts';

/** A value known while a query lives: text or a number; others are not narrowed by. */
export type Constant = string | number;

/** A condition that every row of a table meets which can matter to a query. */
export type Condition =
  | { readonly kind: 'in'; readonly values: readonly Constant[] }
  | { readonly kind: 'above' | 'below'; readonly value: Constant; readonly inclusive: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'notNull' };

/** Conditions on columns, by position; a row that fails one of them is none of the query's business. */
export interface RowFilter {
  readonly conditions: readonly { readonly column: number; readonly condition: Condition }[];
}

/** False only where the condition is certainly not true for `cell`: values of another type than the constant's are left to SQLite. */
export function mayMeet(condition: Condition, cell: SqlValue): boolean {
  switch (condition.kind) {
    case 'in':
      return typeof cell === 'object' ? false : condition.values.includes(cell);
    case 'above':
    case 'below':
      return cell !== null && mayCompare(condition.kind, condition.value, condition.inclusive, cell);
    case 'null':
      return cell === null;
    case 'notNull':
      return cell !== null;
    default:
      return exhaustive(condition);
  }
}

function mayCompare(kind: 'above' | 'below', value: Constant, inclusive: boolean, cell: Exclude<SqlValue, null>): boolean {
  let order: number;
  if (typeof cell === 'number' && typeof value === 'number') order = cell === value ? 0 : cell < value ? -1 : 1;
  else if (typeof cell === 'string' && typeof value === 'string') order = compareText(cell, value);
  else return true;
  if (order === 0) return inclusive;
  return kind === 'above' ? order > 0 : order < 0;
}
