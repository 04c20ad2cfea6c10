import { AlcoveError } from '@alcove/core/error';
import type { SqlValue } from '@alcove/core/sqlite/database';

/** Type numbers of PostgreSQL's catalog, which never change. */
const OID = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, oid: 26, float4: 700, float8: 701, numeric: 1700 } as const;

/**
 * A value as PostgreSQL writes it, as SQLite would hand it out: booleans are 1 and 0, `numeric` the number it is or the nearest double, everything that is no number and no blob its text.
 * Wants `bytea_output` hex and `extra_float_digits` 1, as SESSION_SETTINGS has them.
 * @throws AlcoveError `sql_failed` for a whole number that no double holds exactly.
 */
export function cellFromPg(text: string | null, oid: number): SqlValue {
  if (text === null) return null;
  switch (oid) {
    case OID.bool:
      return text === 't' ? 1 : 0;
    case OID.bytea:
      return Uint8Array.from(Buffer.from(text.slice(2), 'hex')); // after \x
    case OID.int2:
    case OID.int4:
    case OID.oid:
      return Number(text);
    case OID.int8:
      return wholeNumber(text);
    case OID.float4:
    case OID.float8:
      return notNaN(Number(text));
    case OID.numeric:
      return /^-?\d+$/.test(text) ? wholeNumber(text) : notNaN(Number(text));
    default:
      return text;
  }
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new AlcoveError('sql_failed', `the integer ${text.slice(0, 40)} is beyond ±(2^53−1)`, {
    hint: 'Cast it to text or to double precision.',
  });
}

/** SQLite holds none. */
const notNaN = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** What makes values and times come out the same whatever the server, the database or the role has set. For one transaction. */
export const SESSION_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['search_path', ''],
  ['standard_conforming_strings', 'on'],
  ['bytea_output', 'hex'],
  ['extra_float_digits', '1'],
  ['DateStyle', 'ISO'],
  ['IntervalStyle', 'iso_8601'],
  ['TimeZone', 'UTC'],
  ['row_security', 'on'],
  // Who goes away without a word is noticed while a statement runs.
  ['client_connection_check_interval', '250'],
];
