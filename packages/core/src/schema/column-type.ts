import { AlcoveError } from '../error.ts';

/** How SQLite stores what is put into a column: https://www.sqlite.org/datatype3.html#determination_of_column_affinity. */
export type Affinity = 'integer' | 'text' | 'blob' | 'real' | 'numeric';
export type Collation = 'BINARY' | 'NOCASE' | 'RTRIM';

export interface ColumnType {
  /** Without the COLLATE clause. */
  readonly declared: string;
  readonly affinity: Affinity;
  readonly collation: Collation;
}

const COLLATE = / collate "?(binary|nocase|rtrim)"?$/i;
const DECLARED = /^[a-z][a-z0-9_]*(?: [a-z][a-z0-9_]*)*(?: ?\( ?\d+ ?(?:, ?\d+ ?)?\))?$/i;

/** Words that would end the type and begin a column constraint; those are declared through Drizzle, not inside a type. */
const CONSTRAINT_WORDS = new Set(
  'constraint primary key not null unique check default collate references generated always as on conflict autoincrement'.split(' '),
);

/**
 * Reads a declared type such as `text`, `varchar(20)` or `text COLLATE NOCASE`.
 * @throws AlcoveError `schema_invalid` for anything else: every replica must have the same type, affinity and collation.
 */
export function columnType(type: string): ColumnType {
  const text = type.trim().replaceAll(/\s+/g, ' ');
  const collation = COLLATE.exec(text);
  const declared = text.replace(COLLATE, '');
  const words = declared.toLowerCase().match(/[a-z][a-z0-9_]*/g) ?? [];
  if (!DECLARED.test(declared) || words.some((word) => CONSTRAINT_WORDS.has(word))) {
    throw new AlcoveError('schema_invalid', `cannot read the column type ${JSON.stringify(type)}`, {
      hint: 'Use words, an optional size and an optional COLLATE BINARY, NOCASE or RTRIM, such as "text COLLATE NOCASE".',
    });
  }
  return { declared, affinity: affinityOf(declared), collation: collationOf(collation?.[1]) };
}

function affinityOf(declared: string): Affinity {
  const type = declared.toUpperCase();
  if (type.includes('INT')) return 'integer';
  if (type.includes('CHAR') || type.includes('CLOB') || type.includes('TEXT')) return 'text';
  if (type.includes('BLOB')) return 'blob';
  if (type.includes('REAL') || type.includes('FLOA') || type.includes('DOUB')) return 'real';
  return 'numeric';
}

function collationOf(name: string | undefined): Collation {
  const upper = name?.toUpperCase();
  return upper === 'NOCASE' || upper === 'RTRIM' ? upper : 'BINARY';
}
