import { AlcoveError } from '@alcove/core/error';
import { isStorableText } from '@alcove/core/sqlite/identifier';
import { StatementCache } from '@alcove/core/sqlite/statement-cache';
import { splitStatements, verbOf } from '@alcove/core/sqlite/statement-shape';
import { type Token, tokenize } from '@alcove/core/sqlite/tokenize';

/** Texts that were looked at and let through; a query that is asked again and again is cut into tokens once. */
const CHECKED_TEXTS_MAX = 512;

const READS = new Set(['SELECT', 'VALUES']);
/** SQLite's own names of the databases of a handle. Without them a text cannot reach past what stands in front of a table. */
const SCHEMAS = new Set(['main', 'temp']);

const checked = new StatementCache<true>(CHECKED_TEXTS_MAX, () => undefined);

/**
 * Refuses SQL of a user's that is not one statement that only reads, before SQLite sees it. It is the first of two walls, and for what it says alone; what may be
 * read is decided by the engine that compiles it (authorizer, role), not here.
 *
 * @throws AlcoveError `sql_failed` where there is no statement, `sql_refused` for everything else.
 */
export function refuseUnlessRead(sql: string, sqlCharactersMax: number): void {
  if (sql.length > sqlCharactersMax) throw refused(`SQL of ${sql.length} characters; ${sqlCharactersMax} at most`);
  if (checked.get(sql) !== undefined) return;
  if (!isStorableText(sql)) throw refused('the SQL text holds NUL or half a character');
  const statements = splitStatements(tokenize(sql));
  const [tokens] = statements;
  if (tokens === undefined) throw new AlcoveError('sql_failed', 'no statement in the SQL text');
  if (statements.length > 1) throw refused(`${statements.length} statements in one text; ask for one at a time`);
  const verb = verbOf(tokens);
  if (!READS.has(verb)) throw refused(`${verb.slice(0, 50)}: only SELECT, VALUES and WITH … SELECT read`);
  const schema = tokens.find((token, index) => tokens[index + 1]?.text === '.' && SCHEMAS.has(nameOf(token)));
  if (schema !== undefined)
    throw refused(`${schema.text}. stands in front of a name`, 'Name tables without a schema, and no alias main or temp.');
  checked.set(sql, true);
}

const refused = (message: string, hint = 'Reads on the server take one statement that only reads.'): AlcoveError =>
  new AlcoveError('sql_refused', message, { hint });

/** In lower case, without quotes; SQLite takes a string for a name where only a name can stand. Empty: no name. */
function nameOf({ kind, text }: Token): string {
  if (kind === 'word') return text.toLowerCase();
  return kind === 'name' || kind === 'string' ? text.slice(1, -1).toLowerCase() : '';
}
