import { AlcoveError, type ErrorCode } from '../error.ts';

export const SQLITE_CANTOPEN = 14;

/** SQLite's primary result codes that are told apart here. */
const RESULT_CODES: Readonly<Record<number, ErrorCode>> = {
  5: 'overloaded', // BUSY: another connection holds the lock
  6: 'overloaded', // LOCKED
  10: 'room_failed', // IOERR
  11: 'file_damaged', // CORRUPT
  13: 'room_full', // FULL
  [SQLITE_CANTOPEN]: 'room_failed',
  19: 'constraint_failed', // CONSTRAINT, all kinds, RAISE(ABORT) too
  26: 'file_damaged', // NOTADB
};

const NAMES: readonly (readonly [string, number])[] = [
  ['SQLITE_BUSY', 5],
  ['SQLITE_LOCKED', 6],
  ['SQLITE_IOERR', 10],
  ['SQLITE_CORRUPT', 11],
  ['SQLITE_FULL', 13],
  ['SQLITE_CANTOPEN', SQLITE_CANTOPEN],
  ['SQLITE_CONSTRAINT', 19],
  ['SQLITE_NOTADB', 26],
];

/** For drivers that lose the result code on some paths: SQLite's own texts, which end-user triggers cannot reach except by RAISE. */
const MESSAGES: readonly (readonly [RegExp, number])[] = [
  [/^(?:UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed|^constraint failed$|^cannot store \w+ value in \w+ column /, 19],
  [/^database or disk is full$/, 13],
  [/^disk I\/O error$/, 10],
  [/^database (?:disk image is malformed|schema is corrupt)|^malformed database schema/, 11],
  [/^file is not a database$/, 26],
  [/^database (?:table |schema )?is locked/, 5],
  [/^unable to open database file$/, SQLITE_CANTOPEN],
];

/** The result code of a name such as SQLITE_CONSTRAINT_UNIQUE, by its prefix; undefined for names that need no telling apart. */
export function resultCodeOfName(name: string): number | undefined {
  return NAMES.find(([prefix]) => name.startsWith(prefix))?.[1];
}

export interface SqliteFailure {
  /** SQLite's result code, primary or extended; undefined where the driver does not tell it. */
  readonly resultCode: number | undefined;
  readonly message: string;
  readonly cause: unknown;
}

/** The AlcoveError for what SQLite said; `context` is appended to messages that do not speak for themselves. */
export function sqliteError({ resultCode, message, cause }: SqliteFailure, context = ''): AlcoveError {
  const primary = resultCode === undefined ? MESSAGES.find(([pattern]) => pattern.test(message))?.[1] : resultCode & 0xff;
  const code = (primary === undefined ? undefined : RESULT_CODES[primary]) ?? 'sql_failed';
  return new AlcoveError(code, code === 'constraint_failed' ? message : `${message}${context}`, { cause });
}
