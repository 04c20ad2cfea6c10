import type { Prng } from '../fake/prng.ts';

interface Scope {
  readonly prng: Prng;
  /** What may be named here. */
  readonly columns: readonly string[];
  readonly depth: number;
  /** Anything goes: tables that are not seen, names from elsewhere, functions that are refused. */
  readonly wild: boolean;
}

const SEEN: Readonly<Record<string, readonly string[]>> = {
  notes: ['id', 'owner', 'body', 'body', 'secret', 'shout'],
  stops: ['id', 'city', 'nights', 'price', 'photo'],
  'json_each(\'[1,"mine",null]\')': ['key', 'value', 'type'],
};
const UNSEEN = [
  'audit',
  '"audit"',
  'main.notes',
  "'main'.'audit'",
  'temp.notes',
  'sqlite_master',
  'sqlite_temp_schema',
  'alcove_meta',
  'alcove_log',
  'dbstat',
  "pragma_table_info('notes')",
  'json_each(n0.body)',
  'cte',
];
const STRAY = ['line', 'rowid', 'nope', '"body"', 'n1.id', 'n0.secret', 'notes.body', 'main.notes.body', 'audit.line'];
const LITERALS = ["'$'", "'mine'", "''", '1', '0', '-1', 'NULL', "'[1]'", "'{}'", "x'00'", '0.5', '?'];
/** Some fail over a value and quote it: what is asked of a hidden one would be told. */
const UNARY = [
  'lower',
  'json',
  'abs',
  'length',
  'hex',
  'typeof',
  'json_array_length',
  'unhex',
  'date',
  'quote',
  'unicode',
  'likely',
  'trim',
  'round',
];
const AGGREGATES = ['sum', 'max', 'count', 'group_concat', 'json_group_array', 'median', 'avg'];
const BINARY = [
  'json_extract',
  'json_extract',
  'json_extract',
  'instr',
  'coalesce',
  'nullif',
  'json_set',
  'strftime',
  'concat_ws',
  'max',
  'json_quote',
];
const REFUSED = ['sqlite_version', 'zeroblob', 'load_extension', 'changes', 'printf', 'randomblob'];
const OPERATORS = ['=', '<', '>', '||', '+', '*', '->>', 'LIKE', 'GLOB', 'IS', 'IS NOT', 'AND', 'OR'];

/** One SQL text of what users might send, three in four of them SQL that is allowed; the same for the same numbers. */
export function drawGuestSql(prng: Prng): string {
  const text = select({ prng, columns: [], depth: 2, wild: prng.chance(0.2) });
  return prng.chance(0.9) ? text : damaged(prng, text);
}

function select(outer: Scope, width?: number): string {
  const { prng } = outer;
  const from = source({ ...outer, depth: outer.depth - 1 });
  const scope = { ...outer, columns: [...from.columns, ...from.columns, ...outer.columns] };
  const aggregated = prng.chance(0.2);
  const columns = Array.from({ length: width ?? prng.int(1, 3) }, () => column(scope, aggregated)).join(', ');
  const all = width === undefined && prng.chance(0.1) ? '*' : columns;
  const where = prng.chance(0.6) ? ` WHERE ${prng.chance(0.4) ? lure(scope) : expression(scope)}` : '';
  const group = prng.chance(aggregated ? 0.5 : 0.1)
    ? ` GROUP BY ${leaf(scope)}${prng.chance(0.3) ? ` HAVING ${expression(scope)}` : ''}`
    : '';
  const order = prng.chance(0.3) ? ` ORDER BY ${leaf(scope)}${prng.chance(0.3) ? ' DESC' : ''}` : '';
  const limit = prng.chance(0.2) ? ` LIMIT ${prng.pick(['1', '2', '-1', '0'])}${prng.chance(0.3) ? ' OFFSET 1' : ''}` : '';
  const head = `${withCte(outer)}SELECT ${prng.chance(0.1) ? 'DISTINCT ' : ''}${all}${from.text}${where}${group}`;
  if (outer.depth < 1 || all === '*' || prng.chance(0.9)) return head + order + limit;
  const operator = prng.pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT']);
  return `${head} ${operator} ${select({ ...outer, depth: 0 }, all.split(' , ').length)}`;
}

/** It ends by itself; it may take the name of a table that is seen, of one that is not, of one of ours. */
function withCte(scope: Scope): string {
  const { prng, depth } = scope;
  if (depth < 1 || !prng.chance(0.12)) return '';
  const name = prng.pick(['cte', 'cte', 'audit', 'guard_0', 'alcove_meta', 'dbstat']);
  if (prng.chance(0.4))
    return `WITH RECURSIVE ${name}(body) AS (SELECT 1 UNION ALL SELECT body + 1 FROM ${name} LIMIT ${prng.int(1, 20)}) `;
  const hint = prng.pick(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED ']);
  return `WITH ${name} AS ${hint}(${select({ ...scope, columns: [], depth: 0 })}) `;
}

function source(scope: Scope): { readonly text: string; readonly columns: readonly string[] } {
  const { prng, wild } = scope;
  if (prng.chance(0.05)) return { text: '', columns: [] };
  const columns: string[] = [];
  let text = ' FROM ';
  for (let at = 0; at < prng.int(1, 2); at += 1) {
    const [name, own] = table(scope);
    const join = at === 0 ? '' : prng.pick([', ', ' JOIN ', ' LEFT JOIN ', ' FULL JOIN ', ' CROSS JOIN ']);
    text += `${join}${name} ${prng.chance(0.5) ? 'AS ' : ''}n${at}`;
    columns.push(...own.map((column) => `n${at}.${column}`));
    if (join.includes('JOIN') && prng.chance(0.7)) text += ` ON ${expression({ ...scope, columns })}`;
  }
  return { text, columns: wild ? [...columns, ...STRAY] : columns };
}

function table({ prng, wild, depth, columns }: Scope): readonly [name: string, columns: readonly string[]] {
  if (wild && prng.chance(0.4)) return [prng.pick(UNSEEN), ['body', 'id', 'value']];
  if (depth > 0 && prng.chance(0.2)) {
    const inner = `(SELECT n0.id AS id, ${expression({ prng, wild, columns: ['n0.body', 'n0.secret', ...columns], depth: 1 })} AS body FROM notes n0)`;
    return [inner, ['id', 'body']];
  }
  const name = prng.pick(['notes', 'notes', 'notes', ...Object.keys(SEEN)]);
  const spelling = prng.pick([name, name, name.includes('(') ? name : `"${name}"`, name.toUpperCase()]);
  return [name.includes('(') ? name : spelling, SEEN[name] ?? []];
}

function column(scope: Scope, aggregated: boolean): string {
  const { prng } = scope;
  const alias = prng.chance(0.3) ? ` AS ${prng.pick(['a', 'body', '"main"', 'n0'])}` : '';
  if (aggregated) return `${prng.pick(AGGREGATES)}(${prng.chance(0.2) ? 'DISTINCT ' : ''}${expression(scope)})${alias}`;
  if (prng.chance(0.08)) return `${prng.pick(AGGREGATES)}(${leaf(scope)}) OVER (ORDER BY ${expression(scope)})${alias}`;
  return expression(scope) + alias;
}

const leaf = ({ prng, columns }: Scope): string => (columns.length > 0 && prng.chance(0.75) ? prng.pick(columns) : prng.pick(LITERALS));

/** What makes SQLite look through the index of what is hidden, and ask there what fails over a value. */
function lure(scope: Scope): string {
  const { prng, columns } = scope;
  const body = columns.find((name) => name.endsWith('.body'));
  if (body === undefined) return expression(scope);
  const asked = prng.pick([
    `json_extract('{}', ${body})`,
    `json(${body})`,
    `json_extract('{"a":1}', '$.' || ${body})`,
    `abs(${body})`,
    `unhex(${body})`,
  ]);
  return `${asked} IS ${prng.pick(['NULL', 'NOT NULL'])} AND ${body} ${prng.pick(["> ''", "BETWEEN '' AND 'zz'", "LIKE 'r%'", "IN ('$', 'row-canary', '{}')"])}`;
}

function expression(scope: Scope): string {
  const { prng, depth, wild } = scope;
  const kind = prng.int(0, 11);
  if (depth <= 0 || kind < 3) return leaf(scope);
  const inner = (): string => expression({ ...scope, depth: depth - 1 });
  if (wild && prng.chance(0.05)) return `${prng.pick(REFUSED)}(${inner()})`;
  if (kind < 5) return `${prng.pick(UNARY)}(${inner()})`;
  if (kind < 7) return `${prng.pick(BINARY)}(${inner()}, ${inner()})`;
  if (kind < 9) return `(${inner()} ${prng.pick(OPERATORS)} ${inner()})`;
  if (kind === 9) return `CASE WHEN ${inner()} THEN ${inner()} ELSE ${inner()} END`;
  if (kind === 10) return `${prng.pick(['', 'EXISTS ', 'NOT EXISTS '])}(${select({ ...scope, depth: depth - 1 }, 1)})`;
  return `${inner()} IN (${select({ ...scope, depth: depth - 1 }, 1)})`;
}

/** A word left out, doubled or put where it does not belong. */
function damaged(prng: Prng, text: string): string {
  const words = text.split(/(?<=[ ,()])/);
  const at = prng.int(0, words.length - 1);
  const other = prng.pick([...words, '; ', '/* ', '-- ', "'", '"', 'DELETE FROM stops ', 'PRAGMA ', 'main.', '\0', '? ']);
  if (prng.chance(0.4)) words.splice(at, 1);
  else words.splice(at, prng.int(0, 1), other);
  return words.join('');
}
