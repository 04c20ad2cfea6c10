import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { base64Url } from '@alcove/core/runtime/base64url';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { TableRule } from '@alcove/core/schema/row-rules';
import type { RuleSql } from './rule-sql.ts';
import { askRule } from './rule-sql.ts';

/** What a class of readers gets of one table. */
export interface TableFilter {
  /** In SQLite. */
  readonly table: string;
  /** Whether it gets the row. */
  readonly visible: RuleSql;
  /** Columns in whose place it finds NULL where the condition is not false. */
  readonly hidden: readonly { readonly column: string; readonly when: RuleSql }[];
}

/** Readers for whom the room's rules come to the same: what one of them may see, all may. */
export interface ReaderClass {
  /** Opaque; part of the view. `all`: everything is seen. */
  readonly id: string;
  /** Of tables that are not seen whole; empty: the class sees all. */
  readonly filters: ReadonlyMap<string, TableFilter>;
}

/** The class of everybody where there are no rules. */
export const SEES_ALL: ReaderClass = { id: 'all', filters: new Map() };

export const seesAll = ({ filters }: ReaderClass): boolean => filters.size === 0;

/**
 * The class of a user: by what the rules say for those claims, and so by as much of the claims as the rules look at. Rules that were changed make other classes.
 * @param secret The history's: an id tells nothing of the claims.
 * @throws AlcoveError `rule_failed`
 */
export function classOf({ tableRules }: AnyRoom, claims: Claims | null, runtime: Runtime, secret: Uint8Array): ReaderClass {
  const filters = tableRules.map((rule) => filterOf(rule, claims)).filter((filter) => filter.visible !== true || filter.hidden.length > 0);
  if (filters.length === 0) return SEES_ALL;
  const text = JSON.stringify(
    filters.map(({ table, visible, hidden }) => [table, visible, hidden.map(({ column, when }) => [column, when])]),
  );
  const id = base64Url(runtime.hmacSha256(secret, runtime.utf8.encode(`class of readers\n${text}`)).subarray(0, 16));
  return { id, filters: new Map(filters.map((filter) => [filter.table, filter])) };
}

function filterOf({ name, table, visibleTo, hiddenFrom }: TableRule, claims: Claims | null): TableFilter {
  const visible = visibleTo === null ? true : askRule(`visibleTo of table ${name}`, claims, (user) => visibleTo(table, user));
  const hidden = [...hiddenFrom].flatMap(([column, rule]) => {
    const when = askRule(`hiddenFrom.${column} of table ${name}`, claims, (user) => rule(table, user));
    return when === false ? [] : [{ column, when }];
  });
  return { table: name, visible, hidden };
}

/** What whoever is refused over a rule is told: the rule's text is the operator's business. */
export const undecided = (cause: AlcoveError): AlcoveError =>
  new AlcoveError('rule_failed', 'the room cannot tell what this user may see; the server’s log says why', { cause });
