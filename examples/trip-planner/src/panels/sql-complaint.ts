import { wordsOf } from './sql-text.ts';

/** A table of the replica, as the list of tables shows it. */
export interface SqlTable {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly isKey: boolean }[];
}

/** Why a query has no result, in words for the person who wrote it. */
export interface SqlComplaint {
  readonly message: string;
  readonly hint: string | null;
  /** Where in the text, if that is certain. */
  readonly place: { readonly from: number; readonly to: number } | null;
  /** Whether the list of tables helps. */
  readonly listTables: boolean;
}

type Words = Pick<SqlComplaint, 'message'> & Partial<SqlComplaint>;
interface Asked {
  readonly text: string;
  readonly tables: readonly SqlTable[];
}

const READS_ONLY = 'This panel only reads, so that a query can break nothing. Change the trip on the page itself.';

/** SQLite's messages, and the replica's own, by how they read. Texts of SQLite are part of its tested behaviour and stay as they are from version to version. */
const KNOWN: readonly (readonly [RegExp, (found: readonly string[], asked: Asked) => Words])[] = [
  [
    /^no such table: (?:main\.)?(.+)$/,
    ([, name = ''], asked) =>
      unknownName(
        'table',
        name,
        asked.tables.map((table) => table.name),
        asked,
      ),
  ],
  // A server does not repeat names: it tells what is hidden and what is not there alike.
  [/^no such table$/, () => ({ message: 'There is no table of a name that this query reads.', listTables: true })],
  [/^no such column: (.+)$/, ([, name = ''], asked) => unknownName('column', name, columnNames(asked.tables), asked)],
  [/^no such function: (.+)$/, ([, name = ''], { text }) => ({ message: `SQLite has no function “${name}”.`, place: placeOf(text, name) })],
  [
    /^ambiguous column name: (.+)$/,
    ([, name = ''], { text }) => ({
      message: `More than one table here has a column “${name}”.`,
      hint: `Say which is meant: write the table before it, as in stops.${last(name)}.`,
      place: placeOf(text, name),
    }),
  ],
  [
    /^near "(.*)": syntax error$/s,
    ([, sign = ''], { text }) => ({
      message: `SQLite cannot read on at “${sign}”.`,
      hint: 'What is wrong is often the word before: a comma too many, a keyword missing.',
      place: placeOf(text, sign),
    }),
  ],
  [
    /^unrecognized token: "(.*)"?$/s,
    ([, sign = ''], { text }) => ({
      message: /^['"]/.test(sign)
        ? 'A quotation mark is opened here and never closed.'
        : `“${sign.replace(/"$/, '')}” means nothing in SQL.`,
      place: endPlace(text, sign.replace(/"$/, '').trimEnd()),
    }),
  ],
  [
    /^incomplete input$/,
    (_, { text }) => ({ message: 'The query stops in the middle.', place: { from: text.trimEnd().length, to: text.trimEnd().length } }),
  ],
  [
    /^misuse of (?:aggregate|window)(?: function)?:? (.+?)(?:\(\))?$/,
    ([, name = ''], { text }) => ({
      message: `“${name}” adds up several rows and cannot stand here.`,
      hint: 'In “where” single rows are meant; put it under “having”, or into a query of its own.',
      place: placeOf(text, name),
    }),
  ],
  [
    /^wrong number of arguments to function (.+?)\(\)$/,
    ([, name = ''], { text }) => ({
      message: `“${name}” takes another number of values.`,
      place: placeOf(text, name),
    }),
  ],
  [/^no tables specified$/, () => ({ message: 'It is not said which table to read.', listTables: true })],
  [/^(\d+) statements where/, ([, count = '']) => ({ message: `These are ${count} queries.`, hint: 'Run one at a time.' })],
  [/^no statement in/, () => ({ message: 'There is no query in this text.' })],
  [
    /(?:starts with|this is) ([A-Z]+)$/,
    ([, verb = ''], { text }) => ({
      message: /^(INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER)$/.test(verb)
        ? `“${verb.toLowerCase()}” would change the trip.`
        : `A query begins with “select”, “with” or “values”, not with “${verb.toLowerCase()}”.`,
      hint: READS_ONLY,
      place: placeOf(text, verb),
    }),
  ],
  [/^the query writes/, () => ({ message: 'This would change the trip.', hint: READS_ONLY })],
  [
    /^([A-Z ]+?) (?:objects )?cannot be used as SQL text$/,
    ([, verb = ''], { text }) => ({
      message: `“${verb.toLowerCase()}” is not for queries.`,
      hint: READS_ONLY,
      place: placeOf(text, verb),
    }),
  ],
  [
    /^\d+ values? for \d+ parameters?$/,
    (_, { text }) => ({
      message: 'There is nothing to put in for “?”.',
      hint: 'Write the value itself.',
      place: placeOf(text, '?'),
    }),
  ],
  [
    /^named parameter (\S+):/,
    ([, name = ''], { text }) => ({
      message: `There is nothing to put in for “${name}”.`,
      hint: 'Write the value itself.',
      place: endPlace(text, name),
    }),
  ],
];

/** What only the server says, by code. */
const ON_SERVER: Readonly<Record<string, Words>> = {
  sql_unavailable: { message: 'This server answers no queries.', hint: 'Run it in this tab: every row is here.' },
  connection_lost: { message: 'The server cannot be reached just now.', hint: 'Run it in this tab: every row is here.' },
  read_behind: { message: 'The server has not got what is pending in this tab yet.', hint: 'Try again in a moment.' },
  replica_unavailable: { message: 'All replicas of the server are busy.', hint: 'Try again in a moment.' },
  rate_limited: { message: 'Too many queries of yours are running.', hint: 'Try again when one of them is done.' },
  forbidden: { message: 'You may not run queries on the server.', hint: 'Run it in this tab: every row is here.' },
};

/** On the server, of a tab that its person has taken off the network. */
export const OFFLINE: SqlComplaint = {
  message: 'You work offline, so the server is not asked.',
  hint: 'Run it in this tab: every row is here.',
  place: null,
  listTables: false,
};

/** Says what went wrong with `text`. `code` and `message` are those of the replica's error. */
export function complaintOf({ code, message }: { readonly code: string; readonly message: string }, asked: Asked): SqlComplaint {
  const none = { hint: null, place: null, listTables: false };
  if (code === 'query_timeout')
    return { ...none, message: 'This query ran for too long and was ended.', hint: 'The trip goes on: nothing was lost.' };
  if (code === 'result_too_large')
    return { ...none, message: 'The result has more rows than a tab can show.', hint: 'Ask for fewer: add “limit 1000”, or count them.' };
  const server = ON_SERVER[code];
  if (server !== undefined) return { ...none, ...server };
  const plain = message.replace(/ \(in: [^]*\)$/, '');
  for (const [pattern, say] of KNOWN) {
    const found = pattern.exec(plain);
    if (found !== null) return { ...none, ...say(found, asked) };
  }
  return { ...none, message: `${plain.charAt(0).toUpperCase()}${plain.slice(1)}${/[.!?]$/.test(plain) ? '' : '.'}` };
}

function unknownName(what: 'table' | 'column', name: string, known: readonly string[], { text }: Asked): Words {
  const near = nearest(last(name), known);
  return {
    message: `There is no ${what} “${name}”.`,
    hint: near === null ? null : `Is “${near}” meant?`,
    place: placeOf(text, name),
    listTables: true,
  };
}

const columnNames = (tables: readonly SqlTable[]): string[] => [
  ...new Set(tables.flatMap((table) => table.columns.map((column) => column.name))),
];
const last = (name: string): string => name.split('.').at(-1) ?? name;

/** Where a name or sign stands, if it does so once: of several nobody says which one SQLite means. */
function placeOf(text: string, name: string): SqlComplaint['place'] {
  const words = wordsOf(text);
  const wanted = wordsOf(name).map((word) => word.text.toLowerCase());
  if (wanted.length === 0) return null;
  const found = words.flatMap((word, i) => {
    const end = words[i + wanted.length - 1];
    const fits = end !== undefined && wanted.every((part, n) => words[i + n]?.text.toLowerCase() === part);
    return fits ? [{ from: word.from, to: end.to }] : [];
  });
  return found.length === 1 ? (found[0] ?? null) : null;
}

/** Where a piece of text stands last. */
function endPlace(text: string, piece: string): SqlComplaint['place'] {
  const from = piece === '' ? -1 : text.lastIndexOf(piece);
  return from === -1 ? null : { from, to: from + piece.length };
}

/** The known name that differs least, by at most a third of its letters. */
function nearest(name: string, known: readonly string[]): string | null {
  const ranked = known.map((one) => ({ one, steps: distance(name.toLowerCase(), one.toLowerCase()) })).sort((a, b) => a.steps - b.steps);
  const [best] = ranked;
  return best === undefined || best.steps > Math.max(1, Math.floor(best.one.length / 3)) ? null : best.one;
}

/** How many letters have to be put in, taken out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row.at(-1) ?? 0;
}
