import { silentLogger } from '@alcove/core/runtime/logger';
import { createReplicaPools, type ReplicaPools } from '@alcove/server/node';
import pg from 'pg';
import { startChild } from './child.ts';
import { type Bench, type Figure, figureOf, median, type Pair } from './measure.ts';
import type { ClusterUrls } from './pg-cluster-child.ts';

const STANDBYS = 2;
const PEOPLE = 100_000;
const POOL = 10;
/** On their way at once. */
const READS_AT_ONCE = 8;
/** By what they cost PostgreSQL: some 0.2 ms, and some 10. */
const KINDS = {
  page: {
    sql: 'SELECT id, name, team FROM people WHERE team = $1 ORDER BY id LIMIT 50',
    rows: 50,
    reads: 2_000,
    what: 'a page of 50 rows',
  },
  report: {
    sql: 'SELECT team % 10 AS part, count(*) AS people, max(name) AS last FROM people WHERE team >= $1 / 100 GROUP BY part ORDER BY part',
    rows: 10,
    reads: 160,
    what: 'figures over all rows',
  },
} as const;
type Kind = keyof typeof KINDS;

type Query = (text: string, values: readonly unknown[]) => Promise<{ readonly rows: readonly unknown[] }>;

/** What the router costs beside a bare pool, and what two standbys bring beside the primary alone. */
export const pgReadsBench: Bench = {
  name: 'pg-reads',
  async run({ runs, say }) {
    say(`PostgreSQL with ${STANDBYS} standbys starts`);
    const cluster = await startChild('pg-cluster-child.ts', String(STANDBYS));
    const urls = JSON.parse(cluster.url) as ClusterUrls; // it says where its servers are
    const [standby = ''] = urls.standbys;
    const bare = new Map([urls.primary, standby].map((url) => [url, new pg.Pool({ connectionString: url, max: POOL })]));
    const routed = new Map(
      Object.entries({ both: urls.standbys, one: [standby] }).map(([name, standbys]) => [name, routedPools(urls.primary, standbys)]),
    );
    try {
      await seed(urls);
      const sides: Readonly<Record<string, Query>> = {
        standbys: queryOf(routed.get('both')?.forRead()),
        router: queryOf(routed.get('one')?.forRead()),
        bare: queryOf(bare.get(standby)),
        primary: queryOf(bare.get(urls.primary)),
      };
      await Promise.all([...routed.values()].map(areAsked));
      const figures: Figure[] = [];
      for (const kind of Object.keys(KINDS) as Kind[]) {
        say(KINDS[kind].what);
        figures.push(...figuresOf(kind, await roundsOf(sides, kind, runs)));
      }
      return figures;
    } finally {
      await Promise.all([...routed.values()].map((pools) => pools.close()));
      await Promise.all([...bare.values()].map((pool) => pool.end()));
      await cluster.stop();
    }
  },
};

function figuresOf(kind: Kind, rounds: readonly Round[]): Figure[] {
  const pairs = (ours: string, floor: string): Pair[] => rounds.map((round) => ({ ours: round[ours] ?? 0, floor: round[floor] ?? 0 }));
  const what = `${KINDS[kind].what} of ${PEOPLE}, ${READS_AT_ONCE} reads at once`;
  return [
    figureOf(
      {
        name: `pg-reads-${kind}`,
        unit: 'ms/read',
        what: `${what}, through the router with one standby; floor: a bare pg pool on the same standby`,
      },
      pairs('router', 'bare'),
    ),
    figureOf(
      {
        name: `pg-reads-${kind}-standbys`,
        unit: 'ms/read',
        what: `${what}, through the router with ${STANDBYS} standbys, all on this machine; floor: a bare pg pool on the primary alone`,
      },
      pairs('standbys', 'primary'),
    ),
  ];
}

type Round = Readonly<Record<string, number>>;

const routedPools = (primary: string, standbys: readonly string[]): ReplicaPools =>
  createReplicaPools({
    primary: { url: primary, pool: POOL },
    replicas: standbys.map((url, index) => ({ url, id: `standby-${index}`, pool: POOL })),
    limits: { rampMs: 1 },
    log: silentLogger,
  });

const queryOf = (pool: { query(text: string, values: unknown[]): Promise<{ rows: unknown[] }> } | undefined): Query => {
  if (pool === undefined) throw new TypeError('there is no such pool');
  return (text, values) => pool.query(text, [...values]);
};

async function seed({ primary, standbys }: ClusterUrls): Promise<void> {
  await once(primary, 'CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, team int NOT NULL)');
  await once(primary, `INSERT INTO people SELECT n, 'person ' || n, n % 1000 FROM generate_series(1, ${PEOPLE}) n`);
  await once(primary, 'CREATE INDEX people_team ON people (team, id)');
  await once(primary, 'ANALYZE people');
  for (const url of standbys) while ((await once(url, "SELECT to_regclass('people_team') AS made"))[0]?.['made'] === null);
}

async function once(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Standbys take reads once they have been looked at. */
async function areAsked(pools: ReplicaPools): Promise<void> {
  const isAsked = (): boolean => pools.snapshot.replicas.every(({ isPrimary, reads }) => isPrimary || reads > 0);
  while (!isAsked()) await pools.forRead().query('SELECT 1');
}

/** Every side has its turn in each round, another one first each time; ms a read. */
async function roundsOf(sides: Readonly<Record<string, Query>>, kind: Kind, runs: number): Promise<Round[]> {
  const entries = Object.entries(sides);
  const rounds: Round[] = [];
  for (let run = 0; run <= runs; run += 1) {
    const first = run % entries.length;
    const round: Record<string, number> = {};
    for (const [name, query] of [...entries.slice(first), ...entries.slice(0, first)]) round[name] = await msPerRead(query, kind);
    if (run > 0) rounds.push(round);
  }
  return rounds;
}

async function msPerRead(query: Query, kind: Kind): Promise<number> {
  const { sql, rows: expected, reads } = KINDS[kind];
  const tookMs: number[] = [];
  let asked = 0;
  const readOn = async (): Promise<void> => {
    while (asked < reads) {
      asked += 1;
      const startMs = performance.now();
      const { rows } = await query(sql, [asked % 1_000]);
      if (rows.length !== expected) throw new TypeError(`${rows.length} rows came`);
      tookMs.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, readOn));
  return median(tookMs);
}
