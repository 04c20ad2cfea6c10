import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import { READ_SQL_CHARACTERS_MAX } from '@alcove/core/protocol/limits';
import { asciiLower } from '@alcove/core/schema/sql-text';
import { type Database, SQL_PARAMETERS_MAX } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { mentions } from '@alcove/core/sqlite/mentions';
import { failsOverRow } from '../../access/rule-failure.ts';
import { AnswerCells } from '../../read/answer-cells.ts';
import { refuseUnlessRead } from '../../read/guest-sql.ts';
import type { ReadSight } from '../../read/read-sight.ts';
import type { ReadAnswer } from '../../read/replica.ts';
import { BUSY_TIMEOUT_MS } from './driver-options.ts';
import { type NativeDatabase, photostructureOver } from './photostructure-database.ts';
import { noSuchTable, ReaderAuthorizer, type SandboxNames } from './reader-authorizer.ts';
import { READER_TABLE_FUNCTIONS } from './reader-functions.ts';
import type { ReadJob, ReaderSettings } from './reader-job.ts';

/** Of all SQLite counts as one expression, what the rules of a sight put around a column included; what D1 takes. */
const EXPRESSION_DEPTH_MAX = 100;
/** SELECTs under one UNION, INTERSECT or EXCEPT; what D1 takes. */
const COMPOUND_SELECT_MAX = 5;
/** Bytes of a LIKE or GLOB pattern, whose cost grows with its square; what D1 takes. */
const LIKE_PATTERN_BYTES_MAX = 50;
/** Steps of a compiled statement: about 3 MB. CTEs that double what stands in them end here. */
const PROGRAM_STEPS_MAX = 100_000;
/** Bytes of a text that SQLite is handed, guard views included, which carry lists of claims. What users may send is bounded before (in characters). */
const SQL_BYTES_MAX = 1 << 20;
/** Prepared statements a handle keeps, each of some 10 KB. */
const STATEMENTS_MAX = 32;

/** The head, and which schema the handle's views were made for. */
const HEAD_SQL = `SELECT
  (SELECT value FROM main.alcove_meta WHERE name = 'historyId') AS historyId,
  coalesce((SELECT max(version) FROM main.alcove_log), (SELECT value FROM main.alcove_meta WHERE name = 'floor')) AS version,
  (SELECT schema_version FROM pragma_schema_version) AS schemaVersion`;

interface Head extends BookmarkParts {
  readonly schemaVersion: number;
}

/**
 * A handle on a room's file through which one class of readers reads, and nothing else: read-only, bounded, with views in the place of tables and an authorizer that
 * lets only them read the tables. What a read leaves behind is compiled statements; between reads no transaction is open.
 */
export class ReaderSandbox {
  readonly #settings: ReaderSettings;
  readonly #native: NativeDatabase;
  readonly #database: Database;
  readonly #names: SandboxNames;
  /** The view that stands for each table. */
  readonly #guards: ReadonlyMap<string, string>;
  readonly #nonce: string;
  readonly #authorizer: ReaderAuthorizer;
  readonly #head: () => Head;
  readonly #schemaVersion: number;
  /** Which file it is, whatever stands at the path by now. As long as the handle is open no other file gets the number. */
  readonly file: string | null;

  /** @throws AlcoveError `replica_unavailable` where the file cannot be read, `rule_failed` where SQLite does not take a rule of the sight. */
  constructor(path: string, sight: ReadSight, settings: ReaderSettings) {
    this.#settings = settings;
    this.file = fileNow(path);
    if (this.file === null) throw new AlcoveError('replica_unavailable', 'the room has no file');
    this.#nonce = randomBytes(16).toString('hex');
    this.#native = openReadOnly(path);
    try {
      const { names, guards, schemaVersion } = shut(this.#native, sight, settings, this.#nonce);
      this.#names = names;
      this.#guards = guards;
      this.#schemaVersion = schemaVersion;
      const head = this.#native.prepare(HEAD_SQL);
      this.#head = () => head.get() as Head; // the row that HEAD_SQL is made to read
      this.#authorizer = new ReaderAuthorizer(names);
      this.#native.setAuthorizer(this.#authorizer.decide);
      this.#database = photostructureOver(this.#native, { readonly: true, statementCacheMax: STATEMENTS_MAX });
      // Opened by name: somebody may have put another file there.
      if (fileNow(path) !== this.file) throw new AlcoveError('replica_unavailable', 'the room’s file was replaced just now');
    } catch (error) {
      this.#native.close();
      throw unreadable(error);
    }
  }

  /**
   * Head and rows of one snapshot.
   * @returns null where the file's schema has changed since the views were made: the handle is of no more use.
   * @throws AlcoveError as `Replica.read` says, and `rule_failed`.
   */
  read(job: ReadJob): ReadAnswer | null {
    refuseUnlessRead(job.sql, READ_SQL_CHARACTERS_MAX);
    // What our names are made of stands in no message; whoever knows it all the same is not heard.
    if (job.sql.includes(this.#nonce)) throw noSuchTable(this.#names);
    const head = this.#begin();
    try {
      if (head.schemaVersion !== this.#schemaVersion) return null;
      const at = { historyId: head.historyId, version: head.version };
      refuseBehind(at, job.atLeast);
      return { ...this.#rows(job), at };
    } finally {
      this.#authorizer.trusted = true;
      // It only read; a disk that fails may have ended it before.
      if (this.#native.isTransaction) this.#native.exec('ROLLBACK');
    }
  }

  close(): void {
    this.#database.close();
  }

  /** A handle on nothing answers. @throws AlcoveError `replica_unavailable` */
  static check(): void {
    const native = openReadOnly(':memory:');
    try {
      native.prepare('SELECT 1').get();
    } finally {
      native.close();
    }
  }

  #begin(): Head {
    try {
      this.#native.exec('BEGIN');
      return this.#head();
    } catch (error) {
      if (this.#native.isTransaction) this.#native.exec('ROLLBACK');
      throw unreadable(error);
    }
  }

  #rows({ sql, params, bounds }: ReadJob): Omit<ReadAnswer, 'at'> {
    this.#authorizer.begin();
    this.#authorizer.trusted = false;
    let runs = false;
    try {
      const statement = this.#database.prepare(sql);
      const { columns } = statement;
      if (Buffer.byteLength(JSON.stringify(columns)) > bounds.bytesMax)
        throw new AlcoveError(
          'result_too_large',
          `the names of ${columns.length} columns alone are larger than the ${bounds.bytesMax} bytes of an answer`,
          { limit: 'readBytesMax' },
        );
      const cells = new AnswerCells(columns.length, bounds, Buffer.byteLength);
      runs = true;
      for (const row of statement.iterate(params)) if (!cells.add(row)) break;
      return { columns, ...cells.answer() };
    } catch (cause) {
      const error = AlcoveError.from(cause);
      if (runs && isOfRow(error)) this.#refuseFailingRules(sql);
      throw this.#told(error);
    }
  }

  /**
   * SQLite's words for what it gives up over may be of a rule, and quote what is hidden: what is seen of the tables that the statement names is asked for again, alone.
   * @throws AlcoveError `rule_failed`
   */
  #refuseFailingRules(sql: string): void {
    this.#authorizer.trusted = true;
    for (const [table, guard] of this.#guards) {
      if (!mentions(sql, table)) continue;
      try {
        const rows = this.#database.prepare(`SELECT * FROM temp.${guard}`).iterate();
        while (rows.next().done !== true);
      } catch (error) {
        if (isOfRow(AlcoveError.from(error))) throw failsOverRow(`what is seen of table ${table}`);
      }
    }
  }

  /** What a user may be told of a failure. */
  #told(error: AlcoveError): AlcoveError {
    const refusal = this.#authorizer.refusal();
    if (refusal !== null) return refusal;
    if (error.message.startsWith('no such table')) return noSuchTable(this.#names);
    if (error.message.startsWith('string or blob too big')) {
      return new AlcoveError('result_too_large', `a value or a row outgrew ${this.#settings.valueBytesMax} bytes on the way`, {
        limit: 'readValueBytesMax',
      });
    }
    if (error.message.startsWith('out of memory'))
      return new AlcoveError('result_too_large', 'the statement is too large once it is compiled');
    if (OUR_FAULTS.has(error.code)) return new AlcoveError('replica_unavailable', `the room’s file cannot be read: ${error.code}`);
    const { code, message, hint, limit } = error;
    return new AlcoveError(code, message.replaceAll(this.#nonce, '…'), { hint, ...(limit === undefined ? {} : { limit }) });
  }
}

/** Whether SQLite gave up over a value, and not for want of room. */
const isOfRow = ({ code, message }: AlcoveError): boolean =>
  code === 'sql_failed' && !/^(?:string or blob too big|out of memory)/.test(message);

/** Codes of the drivers that have nothing to do with the statement. */
const OUR_FAULTS: ReadonlySet<string> = new Set(['overloaded', 'room_failed', 'room_full', 'file_damaged', 'internal', 'closed']);

const unreadable = (error: unknown): AlcoveError =>
  error instanceof AlcoveError
    ? error
    : new AlcoveError('replica_unavailable', `the room’s file cannot be read: ${AlcoveError.from(error).message}`, { cause: error });

/** Which file stands at the path now; null where none does. */
export const fileNow = (path: string): string | null => {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.dev} ${stat.ino}`;
};

function openReadOnly(path: string): NativeDatabase {
  // Has a binary of its own for each platform: required when used, so that this module loads without it.
  const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite') as typeof import('@photostructure/sqlite'); // what its types say
  try {
    return new DatabaseSync(path, { readOnly: true, defensive: true, allowExtension: false, timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    throw unreadable(error);
  }
}

function refuseBehind(at: BookmarkParts, atLeast: BookmarkParts | null): void {
  if (atLeast === null) return;
  if (at.historyId !== atLeast.historyId) {
    throw new AlcoveError('read_behind', 'the bookmark is of another history of the room', {
      hint: 'The room was put back since the bookmark was taken, or it is of another room: take a new one.',
    });
  }
  if (at.version < atLeast.version)
    throw new AlcoveError('read_behind', `version ${at.version} is there, ${atLeast.version} was asked for`);
}

interface Views {
  readonly names: SandboxNames;
  /** By table. */
  readonly guards: ReadonlyMap<string, string>;
  readonly schemaVersion: number;
}

/** Makes the views, then closes everything but reading. Nothing that a user sent has been near the handle yet. */
function shut(native: NativeDatabase, sight: ReadSight, { valueBytesMax }: ReaderSettings, nonce: string): Views {
  Object.assign(native.limits, {
    length: Math.max(valueBytesMax, SQL_BYTES_MAX),
    sqlLength: SQL_BYTES_MAX,
    exprDepth: EXPRESSION_DEPTH_MAX,
    compoundSelect: COMPOUND_SELECT_MAX,
    vdbeOp: PROGRAM_STEPS_MAX,
    attach: 0,
    likePatternLength: LIKE_PATTERN_BYTES_MAX,
    variableNumber: SQL_PARAMETERS_MAX,
    triggerDepth: 0,
  });
  native.exec('PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; BEGIN');
  const views = makeViews(native, sight, nonce);
  native.exec('COMMIT; PRAGMA query_only = ON');
  native.limits.length = valueBytesMax;
  return views;
}

function makeViews(native: NativeDatabase, { tables }: ReadSight, nonce: string): Views {
  const inFile = native
    .prepare("SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~'")
    .all();
  const seen = new Set(tables.map(({ name }) => asciiLower(name)));
  const unseen = (inFile as { name: string }[]).map(({ name }) => name).filter((name) => !seen.has(asciiLower(name))); // the column asked for
  const modules = native.prepare('PRAGMA module_list').all() as { name: string }[]; // SQLite's own column name
  const [version] = native.prepare('PRAGMA main.schema_version').all() as { schema_version: number }[]; // likewise
  const guards = new Map(tables.map(({ name }, index) => [name, `guard_${index}_${nonce}`]));
  try {
    for (const { name, select } of tables) {
      const guard = guards.get(name) ?? '';
      native.exec(`CREATE TEMP VIEW ${guard} AS ${select}; CREATE TEMP VIEW ${quoteIdentifier(name)} AS SELECT * FROM temp.${guard}`);
    }
  } catch (cause) {
    throw new AlcoveError('rule_failed', `a rule of the room cannot stand in a view: ${AlcoveError.from(cause).message}`, { cause });
  }
  // In front of what is not seen a view of what does not exist: SQLite then says the same as of a table that is not there, whatever is asked of it, and by its bare name
  // nobody reaches it.
  const unseenModules = modules.map(({ name }) => name).filter((name) => !READER_TABLE_FUNCTIONS.has(name) && !seen.has(asciiLower(name)));
  const hidden = new Set([...unseen, ...unseenModules].map(asciiLower));
  for (const name of hidden) native.exec(`CREATE TEMP VIEW ${quoteIdentifier(name)} AS SELECT * FROM temp.none_${nonce}`);
  return { names: { guards: new Set(guards.values()), seen, hidden }, guards, schemaVersion: version?.schema_version ?? 0 };
}
