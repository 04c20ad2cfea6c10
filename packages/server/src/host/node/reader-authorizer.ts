import { AlcoveError, exhaustive } from '@alcove/core/error';
import { asciiLower } from '@alcove/core/schema/sql-text';
import { READER_FUNCTIONS, READER_TABLE_FUNCTIONS } from './reader-functions.ts';

/** Names as they stand in one handle, in lower case but for the guards. */
export interface SandboxNames {
  /** The views that hold what may be seen of each table; random, so that no SQL of a user's can pass for one. */
  readonly guards: ReadonlySet<string>;
  /** Tables that may be read; each is a view over its guard. */
  readonly seen: ReadonlySet<string>;
  /** Everything else the file holds, and the engine's own modules. */
  readonly hidden: ReadonlySet<string>;
}

/** What SQL was refused for. */
type Denial = { readonly kind: 'table' } | { readonly kind: 'function'; readonly name: string } | { readonly kind: 'action' };

/**
 * What SQLite asks while it compiles a statement: a list of what is allowed, everything else is not. A column of the room's own tables is read only where the
 * view that reads it, which SQLite names, is a guard: a CTE or a subquery with the name of a table is none.
 */
export class ReaderAuthorizer {
  readonly #names: SandboxNames;
  /** Statements of our own are let through; SQL of users cannot turn it on, as it runs no code of ours. */
  trusted = true;
  #denial: Denial | null = null;

  constructor(names: SandboxNames) {
    this.#names = names;
  }

  /** What is known of the statement before is forgotten. */
  begin(): void {
    this.#denial = null;
  }

  /** Never throws: the package would lose SQLite's own error over it. */
  readonly decide = (
    action: number,
    first: string | null,
    second: string | null,
    schema: string | null,
    accessor: string | null,
  ): number => {
    if (this.trusted) return ALLOW;
    const denial = this.#denialOf(action, first ?? '', second ?? '', schema, accessor);
    if (denial === null) return ALLOW;
    this.#denial ??= denial;
    return DENY;
  };

  /** Why the statement was refused, or null where the authorizer had nothing against it. A table that is not seen is told as one that is not there. */
  refusal(): AlcoveError | null {
    const denial = this.#denial;
    if (denial === null) return null;
    switch (denial.kind) {
      case 'table':
        return noSuchTable(this.#names);
      case 'function':
        return new AlcoveError('sql_refused', `the function ${denial.name}() is not for reads of users`, {
          hint: 'Use SQLite’s functions over values, aggregates, windows, dates and JSON.',
        });
      case 'action':
        return new AlcoveError('sql_refused', 'the statement does something besides reading', {
          hint: 'Reads on the server take one statement that only reads.',
        });
      default:
        return exhaustive(denial);
    }
  }

  #denialOf(action: number, first: string, second: string, schema: string | null, accessor: string | null): Denial | null {
    const inGuard = accessor !== null && this.#names.guards.has(accessor);
    if (action === SELECT || action === RECURSIVE) return null;
    if (action === FUNCTION) {
      return inGuard || READER_FUNCTIONS.has(asciiLower(second)) ? null : { kind: 'function', name: second.slice(0, 100) };
    }
    if (action !== READ) return { kind: 'action' };
    return inGuard || this.#mayRead(first, second, schema) ? null : { kind: 'table' };
  }

  /** Outside guards. An empty column stands for a table of which none is used. */
  #mayRead(table: string, column: string, schema: string | null): boolean {
    const { guards, hidden, seen } = this.#names;
    const name = asciiLower(table);
    if (schema === 'temp') return seen.has(name) || guards.has(table);
    // A CTE or a subquery with a name: by their bare names tables are views here.
    if (schema === null) return column === '' && !/^(?:sqlite|pragma)_/.test(name);
    // A guard that sees all rows is melted into what reads it, and then counts as read from outside. `main.` itself is refused before.
    if (seen.has(name)) return column === '';
    return READER_TABLE_FUNCTIONS.has(name) && !hidden.has(name);
  }
}

/** One message for a table that is hidden and one that does not exist, so that nobody learns by asking which it is. */
export const noSuchTable = ({ seen }: Pick<SandboxNames, 'seen'>): AlcoveError => {
  const names = [...seen].sort();
  const listed = names.slice(0, TABLES_TOLD_MAX).join(', ') + (names.length > TABLES_TOLD_MAX ? ', …' : '');
  return new AlcoveError('sql_failed', 'no such table', { hint: `Tables of this room that you may read: ${listed}.` });
};

const TABLES_TOLD_MAX = 50;

/** SQLite's result and action codes, as sqlite.org/c3ref/c_alter_table.html numbers them for good. */
const ALLOW = 0;
const DENY = 1;
const READ = 20;
const SELECT = 21;
const FUNCTION = 31;
const RECURSIVE = 33;
