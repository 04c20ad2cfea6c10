import { exhaustive } from '@alcove/core/error';
import { splitStatements, verbOf } from '@alcove/core/sqlite/statement-shape';
import { type Token, tokenize } from '@alcove/core/sqlite/tokenize';

/** What a statement does, by its first words: `other` is what asks or tells the engine itself (PRAGMA, ATTACH, VACUUM …) and what is no statement at all. */
export const STATEMENT_KINDS = ['read', 'explain', 'write', 'schema', 'transaction', 'other'] as const;
export type StatementKind = (typeof STATEMENT_KINDS)[number];

/** `replica`: whoever answers reads · `primary`: its readers, for what has to be together with writes · `refuse`. */
export const STATEMENT_TARGETS = ['replica', 'primary', 'refuse'] as const;
export type StatementTarget = (typeof STATEMENT_TARGETS)[number];

export type StatementTargets = Readonly<Record<StatementKind, StatementTarget>>;

export const STATEMENT_TARGETS_DEFAULT: StatementTargets = {
  read: 'replica',
  explain: 'replica',
  write: 'refuse',
  schema: 'refuse',
  transaction: 'primary',
  other: 'refuse',
};

export interface ClassifiedStatement {
  readonly kind: StatementKind;
  readonly target: StatementTarget;
  /** For people, where it is refused. */
  readonly reason: string | null;
}

const VERBS: Readonly<Record<string, StatementKind>> = {
  SELECT: 'read',
  VALUES: 'read',
  // A WITH that nothing follows: SQLite says what is wrong.
  WITH: 'read',
  EXPLAIN: 'explain',
  INSERT: 'write',
  UPDATE: 'write',
  DELETE: 'write',
  REPLACE: 'write',
  CREATE: 'schema',
  DROP: 'schema',
  ALTER: 'schema',
  REINDEX: 'schema',
  ANALYZE: 'schema',
  BEGIN: 'transaction',
  COMMIT: 'transaction',
  END: 'transaction',
  ROLLBACK: 'transaction',
  SAVEPOINT: 'transaction',
  RELEASE: 'transaction',
};

/**
 * Where an SQLite text belongs. Words in strings, comments and quoted names count for nothing, and a WITH is what its main statement is. It does not say that a read is
 * harmless: that is the readers' own business.
 */
export function classifyStatement(sql: string, targets: StatementTargets = STATEMENT_TARGETS_DEFAULT): ClassifiedStatement {
  const statements = splitStatements(tokenize(sql));
  const [tokens] = statements;
  if (tokens === undefined) return { kind: 'other', target: 'refuse', reason: 'there is no statement in the text' };
  const kinds = statements.map(kindOf);
  const isTransaction = kinds.includes('transaction');
  const kind = isTransaction ? 'transaction' : (kinds.find((one) => one !== 'read' && one !== 'explain') ?? kinds[0] ?? 'other');
  const target = targets[kind];
  if (target === 'refuse') return { kind, target, reason: refusal(kind, tokens, statements.length) };
  // A transaction is several statements; anything else that is several hides one behind the other.
  if (statements.length > 1 && !isTransaction)
    return { kind, target: 'refuse', reason: `there are ${statements.length} statements in one text` };
  return { kind, target, reason: null };
}

const kindOf = (tokens: readonly Token[]): StatementKind => {
  const verb = verbOf(tokens);
  return Object.hasOwn(VERBS, verb) ? (VERBS[verb] ?? 'other') : 'other';
};

function refusal(kind: StatementKind, tokens: readonly Token[], count: number): string {
  const many = count > 1 ? `, among ${count} statements` : '';
  const verb = verbOf(tokens).slice(0, 40);
  switch (kind) {
    case 'read':
    case 'explain':
      return `${verb} is not taken here${many}`;
    case 'write':
      return `${count > 1 ? 'a write' : verb} is for mutators, reads change nothing${many}`;
    case 'schema':
      return `${count > 1 ? 'a change of the schema' : verb} is for migrations, reads change nothing${many}`;
    case 'transaction':
      return `${verb} begins or ends a transaction, and a read is one by itself${many}`;
    case 'other':
      return `${count > 1 ? 'one of the statements' : verb === '' ? 'this' : verb} is neither SELECT nor VALUES${many}`;
    default:
      return exhaustive(kind);
  }
}
