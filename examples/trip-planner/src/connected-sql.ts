import { AlcoveError, type ClientRoom, type LiveQuery, type QueryResult } from '@alcove/client';
import { sql } from 'drizzle-orm';
import { useEffect, useRef, useState } from 'react';
import { trip } from '../room.ts';
import type { Cell, ResultTable } from './panels/chart-scale.ts';
import type { SqlOutcome } from './panels/sql-answer.tsx';
import { complaintOf, OFFLINE } from './panels/sql-complaint.ts';
import type { SqlExample, SqlPlace } from './panels/sql-panel.tsx';
import { sqlTables } from './panels/sql-tables.ts';
import { tripHooks } from './trip-client.ts';

const { useRoom } = tripHooks;

type SqlRow = Readonly<Record<string, Cell>>;

/** An aggregate, a window function, a common table expression, and a query without an end. */
export const SQL_EXAMPLES: readonly SqlExample[] = [
  {
    name: 'Cities by country',
    what: 'Counts the cities of every country and adds up who lives in them: an aggregate over 138,398 rows.',
    sql: 'select country, count(*) as cities, sum(population) as people\nfrom cities\ngroup by country\norder by cities desc\nlimit 25',
  },
  {
    name: 'Nights, added up',
    what: 'Adds up the nights from stop to stop: a window function.',
    live: 'It is live: change the nights on the route and look again.',
    sql: 'select c.name, s.nights, sum(s.nights) over (order by s.position) as so_far\nfrom stops s join cities c on c.id = s.city_id\norder by s.position',
  },
  {
    name: 'How far north',
    what: 'Sorts everybody into bands of ten degrees: a common table expression.',
    sql: "with band(degrees, people) as (\n  select cast(round(lat / 10) * 10 as integer), population from cities\n)\nselect degrees || '°' as latitude, sum(people) as people\nfrom band group by degrees order by degrees desc",
  },
  {
    name: 'Endless',
    what: 'Never ends by itself. The replica is held for five seconds, then the query is cut and everything goes on.',
    sql: 'with recursive n(i) as (select 1 union all select i + 1 from n)\nselect max(i) from n',
  },
];

const TABLES = sqlTables(trip.model);
const IDLE: SqlOutcome = { status: 'idle' };
/** How many runs of one text are told apart; the queries of earlier ones have long ended by then. */
const RUNS_APART = 64;

/** How long the server may wait for what this tab has pending. */
const SERVER_WAIT_MS = 10_000;

/** A query that somebody wrote: over this tab's replica, live until the next one is run, or once on the server. Text and result outlive the panel's being closed. */
export function useSqlPanel() {
  const room = useRoom();
  const [text, setText] = useState(SQL_EXAMPLES[0]?.sql ?? '');
  const [where, setWhere] = useState<SqlPlace>('tab');
  const [outcome, setOutcome] = useState<SqlOutcome>(IDLE);
  const run = useRef({ count: 0, end: () => {} });
  // For ever, not only while the panel is open.
  useEffect(() => () => run.current.end(), []);

  const onRun = () => {
    run.current.end();
    if (text.trim() === '') return setOutcome({ status: 'empty' });
    // By hand: nobody comes back by itself who would be worth waiting for.
    const isOffline = room.status.getSnapshot().connection === 'disconnected';
    if (where === 'server' && isOffline) return setOutcome({ status: 'failed', text, complaint: OFFLINE });
    const count = run.current.count + 1;
    setOutcome((before) => ({ status: 'running', before: before.status === 'done' ? before : beforeOf(before) }));
    const end = where === 'tab' ? startRun(room, text, count, setOutcome) : askServer(room, text, setOutcome);
    run.current = { count, end };
  };
  const onStop = () => {
    run.current.end();
    setOutcome((now) => (now.status === 'running' ? { status: 'stopped' } : now));
  };
  return { examples: SQL_EXAMPLES, tables: TABLES, text, onText: setText, where, onWhere: setWhere, outcome, onRun, onStop };
}

const beforeOf = (outcome: SqlOutcome) => (outcome.status === 'running' ? outcome.before : null);

/**
 * Runs the text now, even where the same text is live already, and tells its outcome until ended: first the rows and how long they took from here to there and
 * back, then each change.
 */
function startRun(
  room: Pick<ClientRoom<typeof trip>, 'query'>,
  text: string,
  count: number,
  tell: (outcome: SqlOutcome) => void,
): () => void {
  const startedMs = performance.now();
  const refuse = (error: AlcoveError) => tell({ status: 'failed', text, complaint: complaintOf(error, { text, tables: TABLES }) });
  let query: LiveQuery<SqlRow>;
  try {
    // Text of the person's own, over their own replica; what it may do is SQLite's and the client's to say. Equal texts would share one result, and a second
    // run would only find the first one's: blanks at the end make them two.
    query = room.query(sql.raw(`${text}${' '.repeat(count % RUNS_APART)}`)) as LiveQuery<SqlRow>; // a result's cells are SQLite's values
  } catch (error) {
    refuse(AlcoveError.from(error));
    return () => {};
  }
  let first: { readonly data: unknown; readonly elapsedMs: number } | null = null;
  const hear = () => {
    const { data, status, error }: QueryResult<SqlRow> = query.getSnapshot();
    if (error !== undefined) return refuse(error);
    if (data === undefined) return;
    first ??= { data, elapsedMs: performance.now() - startedMs };
    const changedAt = data === first.data ? null : new Date();
    tell({ status: 'done', text, table: tableOf(data), elapsedMs: first.elapsedMs, live: status === 'current', changedAt });
  };
  const end = query.subscribe(hear);
  hear();
  return end;
}

/** Asks a replica on the server, once: nothing is missing there that this tab shows. Ended, the server ends what it runs. */
function askServer(room: Pick<ClientRoom<typeof trip>, 'sql'>, text: string, tell: (outcome: SqlOutcome) => void): () => void {
  const startedMs = performance.now();
  const ended = new AbortController();
  const { signal } = ended;
  room.sql(sql.raw(text), { waitMs: SERVER_WAIT_MS, signal }).then(
    ({ rows, truncated, replica, lagMs, tookMs }) => {
      if (signal.aborted) return;
      const server = { at: new Date(), replica, lagMs, tookMs, truncated };
      // A result's cells are SQLite's values.
      const table = tableOf(rows as readonly SqlRow[]);
      tell({ status: 'done', text, table, elapsedMs: performance.now() - startedMs, live: false, changedAt: null, server });
    },
    (error: unknown) => {
      if (!signal.aborted) tell({ status: 'failed', text, complaint: complaintOf(AlcoveError.from(error), { text, tables: TABLES }) });
    },
  );
  return () => ended.abort();
}

/** Column by column as the query names them. */
function tableOf(data: readonly SqlRow[]): ResultTable {
  const columns = Object.keys(data[0] ?? {});
  return { columns, rows: data.map((row) => columns.map((column) => row[column] ?? null)) };
}
