import { AlcoveError, type LiveQuery } from '@alcove/client';
import { sql } from 'drizzle-orm';
import { useState, useSyncExternalStore } from 'react';
import type { Cell } from './panels/chart-scale.ts';
import type { SqlExample, SqlOutcome } from './panels/sql-panel.tsx';
import { tripHooks } from './trip-client.ts';

const { useRoom } = tripHooks;

type SqlRow = Readonly<Record<string, Cell>>;
type Asked = { readonly query: LiveQuery<SqlRow>; readonly elapsedMs: number | null } | { readonly refused: AlcoveError };

/** An aggregate, a window function, a common table expression, and a query without an end. */
export const SQL_EXAMPLES: readonly SqlExample[] = [
  {
    name: 'Cities by country',
    sql: 'select country, count(*) as cities, sum(population) as people\nfrom cities\ngroup by country\norder by cities desc\nlimit 25',
  },
  {
    name: 'Nights, added up',
    sql: 'select c.name, s.nights, sum(s.nights) over (order by s.position) as so_far\nfrom stops s join cities c on c.id = s.city_id\norder by s.position',
  },
  {
    name: 'How far north',
    sql: "with band(degrees, people) as (\n  select cast(round(lat / 10) * 10 as integer), population from cities\n)\nselect degrees || '°' as latitude, sum(people) as people\nfrom band group by degrees order by degrees desc",
  },
  { name: 'Endless', sql: 'with recursive n(i) as (select 1 union all select i + 1 from n)\nselect max(i) from n' },
];

const nobody = () => () => undefined;
const nothing = () => null;

/** A query that somebody wrote, over this tab's replica, live until the next one is run. */
export function useSqlPanel() {
  const room = useRoom();
  const [asked, setAsked] = useState<Asked | null>(null);
  const query = asked !== null && 'query' in asked ? asked.query : null;
  const result = useSyncExternalStore(query?.subscribe ?? nobody, query?.getSnapshot ?? nothing);

  const onRun = (text: string) => {
    try {
      // Text of the person's own, over their own replica; what it may do is SQLite's and the client's to say.
      const next = room.query(sql.raw(text)) as LiveQuery<SqlRow>; // a result's cells are SQLite's values
      const startedMs = performance.now();
      setAsked({ query: next, elapsedMs: null });
      next.promise.then(
        () =>
          setAsked((now) =>
            now !== null && 'query' in now && now.query === next ? { query: next, elapsedMs: performance.now() - startedMs } : now,
          ),
        () => undefined, // shown as the query's result
      );
    } catch (error) {
      setAsked({ refused: AlcoveError.from(error) });
    }
  };
  return { examples: SQL_EXAMPLES, outcome: outcomeOf(asked, result), onRun };
}

function outcomeOf(asked: Asked | null, result: ReturnType<LiveQuery<SqlRow>['getSnapshot']> | null): SqlOutcome {
  if (asked === null) return { status: 'idle' };
  const error = 'refused' in asked ? asked.refused : result?.error;
  if (error?.code === 'query_timeout')
    return {
      status: 'failed',
      message: 'This query held the replica for too long and was ended.',
      hint: 'The trip goes on: nothing was lost.',
    };
  if (error !== undefined) return { status: 'failed', message: error.message, hint: error.hint };
  if (result?.data === undefined || 'refused' in asked) return { status: 'running' };
  const columns = Object.keys(result.data[0] ?? {});
  const rows = result.data.map((row) => columns.map((column) => row[column] ?? null));
  return { status: 'done', table: { columns, rows }, elapsedMs: asked.elapsedMs, live: result.status === 'current' };
}
