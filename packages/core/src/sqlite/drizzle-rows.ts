import { Column, getTableName, is, SQL, Subquery } from 'drizzle-orm';
import { type SelectedFieldsOrdered, SQLiteBlobBuffer } from 'drizzle-orm/sqlite-core';
import { AlcoveError, assert } from '../error.ts';
import type { Row, SqlValue } from './database.ts';

type Field = SelectedFieldsOrdered[number]['field'];
type Decode = (value: Exclude<SqlValue, null>) => unknown;
type RowObject = Record<string, unknown>;

/** Which joined tables cannot be missing, by name: Drizzle's own record of a select's joins. */
export type JoinsNotNullable = Readonly<Record<string, boolean>> | undefined;

/**
 * Rows as the builder's types say: decoded by column, nested by selection. Blobs stay Uint8Arrays: Drizzle's Buffer does not exist in a browser.
 * An outer-joined table whose selected columns are all NULL becomes null.
 */
export function rowMapper(fields: SelectedFieldsOrdered, joinsNotNullable: JoinsNotNullable): (row: Row) => RowObject {
  const setters = fields.map(({ path, field }) => setter(path, decoderOf(field)));
  const outerJoined = joinsNotNullable === undefined ? [] : outerJoinedObjects(fields, joinsNotNullable);
  return (row) => {
    const object: RowObject = {};
    for (let index = 0; index < setters.length; index += 1) setters[index]?.(object, row[index] ?? null);
    for (const { name, positions } of outerJoined) if (positions.every((position) => row[position] === null)) object[name] = null;
    return object;
  };
}

/**
 * What a mapper makes of rows, as text: other texts where rows get other names, are nested otherwise or are decoded otherwise. SQL says nothing of it:
 * `select({ id: stops.id })` and `select({ stop: stops.id })` are one text. Functions of `mapWith` are told apart by their source, which is all that one made in each
 * render shares with the last one.
 */
export const rowShape = (fields: SelectedFieldsOrdered): string => JSON.stringify(fields.map(({ path, field }) => [path, decoding(field)]));

function decoding(field: Field): string {
  const decoder: Decoder = is(field, Column) ? field : sqlDecoder(field);
  if (!is(decoder, Column)) return String(decoder.mapFromDriverValue);
  // Of one type are times in seconds and in milliseconds, and all columns of an app's own types.
  const { mode, mapFrom } = decoder as { readonly mode?: unknown; readonly mapFrom?: unknown }; // of some types of columns
  return `${decoder.columnType} ${String(mode)} ${String(mapFrom)}`;
}

/** A row of a query that names its own columns; of two equal names the last counts. */
export function rowObject(columns: readonly string[], row: Row): Record<string, SqlValue> {
  return Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null]));
}

/**
 * A statement's parameters as SqlValues: booleans become 0 and 1.
 * @throws AlcoveError `sql_failed` for values no engine binds, such as dates and objects outside a typed column.
 */
export function toSqlValues(params: readonly unknown[], sql: string): SqlValue[] {
  return params.map((value, index) => {
    if (value === null || typeof value === 'number' || typeof value === 'string') return value;
    if (typeof value === 'boolean') return value ? 1 : 0;
    // A Buffer, which Drizzle makes where there is one, becomes what every engine knows.
    if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    const kind = typeof value === 'object' ? `a ${value.constructor?.name ?? 'null-prototype'} object` : `of type ${typeof value}`;
    throw new AlcoveError('sql_failed', `parameter ${index + 1} is ${kind} (in: ${sql.slice(0, 200)})`, {
      hint: 'Use a typed column, or bind null, a number, a boolean, text or a Uint8Array.',
    });
  });
}

function setter(path: readonly string[], decode: Decode | undefined): (object: RowObject, value: SqlValue) => void {
  const last = path.at(-1) ?? '';
  const parents = path.slice(0, -1);
  return (object, value) => {
    let node = object;
    for (const name of parents) node = (node[name] ??= {}) as RowObject; // made here, from nothing else
    node[last] = value === null || decode === undefined ? value : decode(value);
  };
}

function decoderOf(field: Field): Decode | undefined {
  const decoder = is(field, Column) ? field : sqlDecoder(field);
  if (is(decoder, SQLiteBlobBuffer)) return undefined;
  return (value) => decoder.mapFromDriverValue(value);
}

interface Decoder {
  mapFromDriverValue(value: unknown): unknown;
}

/** Drizzle keeps the decoder of sql`…`.mapWith(…) in a field that its types hide. */
function sqlDecoder(field: Exclude<Field, Column>): Decoder {
  const expression: object = is(field, SQL) ? field : is(field, Subquery) ? field._.sql : field.sql;
  assert('decoder' in expression && isDecoder(expression.decoder), 'an SQL expression has a decoder');
  return expression.decoder;
}

const isDecoder = (value: unknown): value is Decoder => typeof value === 'object' && value !== null && 'mapFromDriverValue' in value;

/** Objects of a join that stand for one table which may be missing, and where its columns are. */
function outerJoinedObjects(
  fields: SelectedFieldsOrdered,
  joinsNotNullable: Readonly<Record<string, boolean>>,
): { name: string; positions: number[] }[] {
  const objects = new Map<string, { tables: Set<string>; positions: number[] }>();
  for (const [position, { path, field }] of fields.entries()) {
    const [name] = path;
    if (name === undefined || path.length !== 2 || !is(field, Column)) continue;
    const object = objects.get(name) ?? { tables: new Set(), positions: [] };
    object.tables.add(getTableName(field.table));
    object.positions.push(position);
    objects.set(name, object);
  }
  return [...objects]
    .filter(([, { tables }]) => tables.size === 1 && [...tables].every((table) => joinsNotNullable[table] !== true))
    .map(([name, { positions }]) => ({ name, positions }));
}
