import type { ChangeSet } from '@alcove/core/change/change-set';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { TableRule } from '@alcove/core/schema/row-rules';
import { alias } from 'drizzle-orm/sqlite-core';
import type { RowRules } from './row-rules.ts';
import type { RuleSql } from './rule-sql.ts';
import { askRule } from './rule-sql.ts';

type WriteKind = 'insert' | 'update' | 'delete';

/** What one user may do to the rows of one table. */
type TableRights = Readonly<Record<WriteKind, RuleSql>>;

const DONE: Readonly<Record<WriteKind, string>> = { insert: 'add', update: 'change', delete: 'remove' };

/** The write rules of a room, for its users: each user's are worked out once for as long as the claims are the same object. */
export class WriteRules {
  readonly #rules: readonly TableRule[];
  readonly #rows: RowRules;
  readonly #failed: (reason: string) => void;
  readonly #rights = new WeakMap<Claims, ReadonlyMap<string, TableRights>>();
  #nobodys: ReadonlyMap<string, TableRights> | null = null;

  /** Null: nothing is asked of what mutations leave behind. */
  static of({ name, tableRules }: AnyRoom, rows: RowRules | null, runtime: Runtime): WriteRules | null {
    const rules = tableRules.filter(
      ({ mayInsert, mayUpdate, mayDelete }) => mayInsert !== null || mayUpdate !== null || mayDelete !== null,
    );
    return rules.length === 0 || rows === null
      ? null
      : new WriteRules(rules, rows, (reason) => runtime.log.error('a write rule failed; the mutation is refused', { room: name, reason }));
  }

  private constructor(rules: readonly TableRule[], rows: RowRules, failed: (reason: string) => void) {
    this.#rules = rules;
    this.#rows = rows;
    this.#failed = failed;
  }

  /**
   * Holds what one mutation did against what its user may do.
   * @throws AlcoveError `forbidden`, which names the table and no row; also where a rule cannot be asked, which stands in the log.
   */
  check(changeSet: ChangeSet, claims: Claims | null): void {
    try {
      this.#check(changeSet, this.#rightsOf(claims));
    } catch (cause) {
      const error = AlcoveError.from(cause, 'rule_failed');
      if (error.code === 'forbidden') throw error;
      this.#failed(error.message);
      throw new AlcoveError('forbidden', 'whether this user may do that could not be decided');
    }
  }

  #check(changeSet: ChangeSet, rights: ReadonlyMap<string, TableRights>): void {
    for (const changes of changeSet.tables) {
      const own = rights.get(changes.table);
      if (own === undefined) continue;
      for (const kind of ['insert', 'update', 'delete'] as const) {
        if (!this.#rows.unfulfilled(changes, own[kind], kind)) continue;
        throw new AlcoveError('forbidden', `this user may not ${DONE[kind]} such a row of table ${changes.table}`);
      }
    }
  }

  #rightsOf(claims: Claims | null): ReadonlyMap<string, TableRights> {
    if (claims === null) return (this.#nobodys ??= this.#ask(null));
    const known = this.#rights.get(claims);
    if (known !== undefined) return known;
    const rights = this.#ask(claims);
    this.#rights.set(claims, rights);
    return rights;
  }

  #ask(claims: Claims | null): ReadonlyMap<string, TableRights> {
    return new Map(this.#rules.map((rule) => [rule.name, rightsOf(rule, claims)]));
  }
}

function rightsOf({ name, table, mayInsert, mayUpdate, mayDelete }: TableRule, claims: Claims | null): TableRights {
  const ask = (what: string, rule: TableRule['mayInsert']): RuleSql =>
    rule === null ? true : askRule(`${what} of table ${name}`, claims, (user) => rule(table, user));
  // Aliases are other names for the same columns.
  const [before, after] = [alias(table, 'before'), alias(table, 'after')] as unknown as [typeof table, typeof table];
  return {
    insert: ask('mayInsert', mayInsert),
    update: mayUpdate == null ? true : askRule(`mayUpdate of table ${name}`, claims, (user) => mayUpdate(before, after, user)),
    delete: ask('mayDelete', mayDelete),
  };
}
