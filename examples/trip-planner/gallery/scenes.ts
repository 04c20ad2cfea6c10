import type { ItemRow } from '../src/panels/packing-list.tsx';
import type { RejectedWrite } from '../src/panels/rejected-list.tsx';
import type { SqlOutcome } from '../src/panels/sql-answer.tsx';
import type { SqlExample } from '../src/panels/sql-panel.tsx';
import { complaintOf } from '../src/panels/sql-complaint.ts';
import type { NoteRow } from '../src/panels/note.tsx';

export const STOP_NAMES = [
  ['Tokyo', 'JP', 4],
  ['Nikkō', 'JP', 1],
  ['Matsumoto', 'JP', 2],
  ['Takayama', 'JP', 2],
  ['Kanazawa-shi', 'JP', 3],
  ['Kyoto', 'JP', 5],
  ['Hiroshima-shi', 'JP', 2],
  ['Nagasaki-shi', 'JP', 3],
] as const;

const note = (id: string, stopId: string, body: string, author: string): NoteRow => ({
  id,
  stopId,
  body,
  author,
  writtenMs: 0,
  owner: author,
  isPrivate: false,
  isMine: false,
});

export const NOTES: readonly NoteRow[] = [
  note('n1', 's2', 'The castle opens at half past eight. Go up first, breakfast after.', 'Mina Park'),
  note('n2', 's2', 'Soba at the place behind the frog street?', 'Noor'),
  { ...note('n3', 's2', 'A ring for Noor: the jeweller is two streets on.', 'Ada'), isPrivate: true, isMine: true },
  { ...note('n4', 's5', 'Bicycles instead of buses.', 'Ada'), isMine: true },
];

export const ITEMS: readonly ItemRow[] = [
  { id: 'i1', label: 'Passports', packed: true },
  { id: 'i2', label: 'Rail passes, printed', packed: true },
  { id: 'i3', label: 'Rain jackets', packed: false },
  { id: 'i4', label: 'Adapter, type A', packed: true },
  { id: 'i5', label: 'The paper map', packed: false },
  { id: 'i6', label: 'Small presents for the hosts in Takayama', packed: false },
];

export const OTHERS = [
  { sessionId: 'o1', name: 'Mina Park', color: 'teal', lon: 137.2, lat: 37.6, reach: 0.4 },
  { sessionId: 'o2', name: 'Noor', color: 'ochre', lon: 133.1, lat: 35.2, reach: 0.5 },
  { sessionId: 'o3', name: 'Jo Lindqvist', color: 'violet', lon: 140.6, lat: 34.2, reach: 0.6 },
  { sessionId: 'o4', name: 'Teo', color: 'rust', lon: -73.9, lat: 40.7, reach: 2 },
];

export const REJECTED: RejectedWrite[] = [
  {
    key: 'r1',
    what: 'Add McMurdo Station',
    text: '',
    mayBeRetried: true,
    end: 'not accepted',
    code: 'forbidden',
    detail: '',
    reason: 'Nobody may stay overnight there: visits to Antarctica need a permit under the Antarctic Treaty.',
  },
];

export const EXAMPLES: readonly SqlExample[] = [
  {
    name: 'Cities by country',
    what: 'Counts the cities of every country.',
    sql: 'select country, count(*) as cities, sum(population) as people\nfrom cities\ngroup by country\norder by cities desc\nlimit 25',
  },
  {
    name: 'Nights, added up',
    what: 'Adds up the nights from stop to stop.',
    sql: 'select c.name, s.nights, sum(s.nights) over (order by s.position) as so_far\nfrom stops s join cities c on c.id = s.city_id\norder by s.position',
  },
  {
    name: 'Endless',
    what: 'Never ends by itself.',
    sql: 'with recursive n(i) as (select 1 union all select i + 1 from n)\nselect max(i) from n',
  },
];

const COUNTRIES: [string, number, number][] = [
  ['FR', 33_482, 82_000_000],
  ['US', 15_905, 240_000_000],
  ['IT', 12_212, 77_000_000],
  ['DE', 9_913, 118_000_000],
  ['ES', 6_104, 52_000_000],
  ['MX', 5_212, 90_000_000],
  ['PH', 4_812, 88_000_000],
  ['GB', 3_921, 74_000_000],
  ['RU', 3_520, 105_000_000],
  ['BR', 3_201, 150_000_000],
  ['IN', 3_100, 310_000_000],
  ['JP', 1_612, 118_000_000],
];

/** Results as the replica would give them, so that every state of the panel can be looked at. */
export function OUTCOMES(sql: string): SqlOutcome {
  if (sql.includes('recursive')) {
    return {
      status: 'failed',
      text: sql,
      complaint: complaintOf({ code: 'query_timeout', message: '' }, { text: sql, tables: [] }),
    };
  }
  if (sql.includes('over')) {
    const nights = [
      ['Tokyo', 4],
      ['Nikkō', 1],
      ['Matsumoto', 2],
      ['Takayama', 2],
      ['Kanazawa-shi', 3],
      ['Kyoto', 5],
    ] as const;
    let sum = 0;
    return {
      status: 'done',
      elapsedMs: 0.4,
      live: true,
      changedAt: null,
      text: sql,
      table: { columns: ['name', 'nights', 'so_far'], rows: nights.map(([name, n]) => [name, n, (sum += n)]) },
    };
  }
  return {
    status: 'done',
    elapsedMs: 38.4,
    live: true,
    changedAt: null,
    text: sql,
    table: { columns: ['country', 'cities', 'people'], rows: COUNTRIES.map((row) => [...row]) },
  };
}
