import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { AlcoveError } from '../error.ts';
import { shapesOf } from '../sqlite/statement-shape.ts';

/** One step of a room's history of schemas, as the app writes it. drizzle-kit's files fit: one text with `--> statement-breakpoint` lines. */
export interface MigrationInput {
  /** Names it for ever; unique in the room. */
  readonly id: string;
  readonly sql: string | readonly string[];
}

export interface Migration {
  readonly id: string;
  /** Statement by statement, each without its semicolon; what changes nothing here (`PRAGMA foreign_keys`) left out. */
  readonly statements: readonly string[];
  /** SHA-256 of the statements, in lower-case hex: an applied migration may not change. Spaces around statements do not count. */
  readonly checksum: string;
}

/** What the room remembers of a migration it has run. */
export interface AppliedMigration {
  readonly id: string;
  readonly checksum: string;
}

/**
 * Reads a room's migrations; those of another definition are what they were made of.
 * @throws AlcoveError `schema_invalid`, naming the migration, for an empty or repeated id, for SQL that is not statements, and for what a
 * migration may not do: transaction control, ATTACH, PRAGMA, VACUUM.
 */
export function parseMigrations(inputs: readonly (MigrationInput | Migration)[]): readonly Migration[] {
  const seen = new Set<string>();
  return inputs.map((input) => {
    const { id } = input;
    const sql = 'statements' in input ? input.statements : input.sql;
    if (id === '' || seen.has(id)) throw invalid(id, id === '' ? 'the id is empty' : 'the id is used twice');
    seen.add(id);
    const statements = (typeof sql === 'string' ? [sql] : sql).flatMap((text) => statementsOf(id, text));
    return Object.freeze({ id, statements: Object.freeze(statements), checksum: checksumOf(statements) });
  });
}

const invalid = (id: string, problem: string, cause?: unknown): AlcoveError =>
  new AlcoveError('schema_invalid', `migration ${JSON.stringify(id)}: ${problem}`, cause === undefined ? {} : { cause });

const REFUSED = new Set(['PRAGMA', 'VACUUM', 'ANALYZE', 'REINDEX']);

function statementsOf(id: string, text: string): string[] {
  const statements: string[] = [];
  for (const { verb, tokens, parameterCount } of shapesIn(id, text)) {
    const first = tokens.at(0);
    const last = tokens.at(-1);
    if (first === undefined || last === undefined) continue;
    // drizzle-kit writes it around a table that is built anew; foreign keys are off in every migration anyway.
    if (verb === 'PRAGMA' && /^(?:defer_)?foreign_keys$/i.test(tokens[1]?.text ?? '')) continue;
    if (REFUSED.has(verb)) throw invalid(id, `${verb} cannot be used in a migration`);
    if (parameterCount > 0) throw invalid(id, 'a statement has a parameter (?)');
    statements.push(text.slice(first.start, last.end));
  }
  return statements;
}

function shapesIn(id: string, text: string): ReturnType<typeof shapesOf> {
  try {
    return shapesOf(text);
  } catch (error) {
    throw invalid(id, AlcoveError.from(error, 'schema_invalid').message, error);
  }
}

const checksumOf = (statements: readonly string[]): string => bytesToHex(sha256(utf8ToBytes(JSON.stringify(statements))));

/**
 * Those of `defined` that the room has not run yet, in order.
 * @throws AlcoveError `schema_mismatch` where an applied migration was changed, removed or overtaken by one that stands before it.
 */
export function pendingMigrations(defined: readonly Migration[], applied: readonly AppliedMigration[]): readonly Migration[] {
  for (const [index, { id, checksum }] of applied.entries()) {
    const migration = defined[index];
    if (migration === undefined || migration.id !== id) {
      const found = defined.some((other) => other.id === id);
      throw mismatch(
        `migration ${index + 1} of this room is ${JSON.stringify(id)}; in the definition ${found ? 'it stands elsewhere' : 'it is missing'}`,
        'Keep applied migrations, in order, and add new ones at the end.',
      );
    }
    if (migration.checksum !== checksum) {
      throw mismatch(
        `migration ${JSON.stringify(id)} was changed after this room ran it`,
        'Take the change back and add a new migration for it.',
      );
    }
  }
  return defined.slice(applied.length);
}

const mismatch = (message: string, way: string): AlcoveError =>
  new AlcoveError('schema_mismatch', message, {
    hint: `${way} Or, while developing, start over: stop the server and delete the room’s files in its dataDir.`,
  });
