import { VALUES_TABLE } from '../sqlite/system-tables.ts';
import type { ColumnModel, TableModel } from './room-model.ts';

const column = (name: string, type: string): ColumnModel => ({ name, type, notNull: true, defaultSql: null, generated: null });

/**
 * `alcove_values`: one row for each debounced value that was ever written, in every room. `value` is JSON; `seq` orders the writes of one value
 * within one start of the room.
 */
export const valuesTable: TableModel = {
  name: VALUES_TABLE,
  columns: [column('name', 'text'), column('key', 'text'), column('value', 'text'), column('seq', 'integer')],
  key: ['name', 'key'],
  withoutRowid: true,
  serverOnly: false,
  uniques: [],
  checks: [],
  foreignKeys: [],
  indexes: [],
};
