import { type Column, type SQL, sql } from 'drizzle-orm';

/**
 * Whether a column is one of a list, in a rule: as Drizzle's `inArray`, but the list, however long, is one bound value. Of a list that is missing nothing is one.
 */
export function isOneOf<Value>(column: Column, list: readonly Value[] | undefined): SQL {
  const values = (list ?? []).map((value) => column.mapToDriverValue(value));
  return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`;
}
