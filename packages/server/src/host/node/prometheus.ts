import { collectDefaultMetrics, Registry } from 'prom-client';
import type { ReplicaSnapshot } from '../../read/router-snapshot.ts';
import type { SyncTotals } from '../../read/sync-figures.ts';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { ServerStatus } from './server-status.ts';

type Metrics = ScrapedMetrics<ServerStatus>;

/** The figures of a server as Prometheus reads them: `alcove_…`, and those of Node's process, `process_…` and `nodejs_…`. */
export class Prometheus {
  readonly #registry = new Registry();
  readonly #status: () => ServerStatus;
  /** What a scrape is told all of: each look goes over all rooms. */
  #seen: ServerStatus | null = null;

  constructor(status: () => ServerStatus) {
    this.#status = status;
    collectDefaultMetrics({ register: this.#registry });
    const metrics = new ScrapedMetrics(this.#registry, () => this.#seen ?? status());
    serverMetrics(metrics);
    roomMetrics(metrics);
    readMetrics(metrics);
    replicaMetrics(metrics);
    syncMetrics(metrics);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Asked by a scraper, every few seconds at most. */
  async text(): Promise<string> {
    this.#seen = this.#status();
    try {
      return await this.#registry.metrics();
    } finally {
      this.#seen = null;
    }
  }

  /** What is observed of the process is observed no more. */
  close(): void {
    this.#registry.clear();
  }
}

function serverMetrics(metrics: Metrics): void {
  metrics.gauge('alcove_uptime_seconds', 'Since the server was started', (status) => status.metrics.uptimeMs / 1_000);
  metrics.gauge('alcove_connections', 'Open sockets', (status) => status.metrics.connections);
  metrics.gauge('alcove_connections_unwelcomed', 'Open sockets that are in no room yet', (status) => status.metrics.connectionsUnwelcomed);
  metrics.gauge('alcove_rooms_open', 'Rooms that are open', (status) => status.metrics.openRooms);
  metrics.gauge(
    'alcove_sessions',
    'Sessions of tabs in rooms, those that came through followers among them',
    ({ metrics: { sessions } }) => sessions,
  );
  metrics.gauge('alcove_sessions_relayed', 'Of them, those that came through followers', (status) => status.metrics.sessionsRelayed);
  metrics.gauge(
    'alcove_follower_links',
    'Followers in rooms, each once for every room that it follows',
    (status) => status.metrics.followerLinks,
  );
  metrics.gauge('alcove_draining', '1 while the server stops', ({ status }) => (status === 'draining' ? 1 : 0));
  // Not by room: there may be as many as there are users.
  metrics.counters('alcove_limits_met_total', 'How often each limit was met', ['limit'], (status) =>
    Object.entries(status.metrics.limitsMet).map(([limit, count]) => [{ limit }, count]),
  );
}

function roomMetrics(metrics: Metrics): void {
  const kinds = ['presence', 'cursors', 'keys'] as const;
  metrics.counter('alcove_commits_total', 'Versions that rooms have written', (status) => status.metrics.work.commits);
  metrics.counter('alcove_mutations_total', 'Mutations that took effect', (status) => status.metrics.work.mutations);
  metrics.gauges('alcove_states', 'Presence, cursors and ephemeral keys in memory', ['kind'], (status) =>
    kinds.map((kind) => [{ kind }, status.metrics.ephemeral[kind]]),
  );
  metrics.gauge('alcove_state_bytes', 'What they take, as JSON', (status) => status.metrics.ephemeral.bytes);
  metrics.counter('alcove_state_sets_total', 'Sets of them', (status) => status.metrics.work.stateSets);
  metrics.counter(
    'alcove_state_evictions_total',
    'Of them, those that went because a bound was met',
    (status) => status.metrics.work.stateEvictions,
  );
  metrics.counter('alcove_state_expiries_total', 'Of them, those that expired', (status) => status.metrics.work.stateExpiries);
  metrics.counter('alcove_value_updates_total', 'Updates of debounced values', (status) => status.metrics.work.valueUpdates);
  metrics.counter('alcove_value_writes_total', 'Rows that were written for them', (status) => status.metrics.work.valueWrites);
  metrics.gauge(
    'alcove_values_unwritten',
    'Debounced values that wait to be written',
    (status) => status.metrics.ephemeral.unwrittenValues,
  );
  metrics.gauge('alcove_values_unwritten_bytes', 'What those take', (status) => status.metrics.ephemeral.unwrittenValueBytes);
}

function readMetrics(metrics: Metrics): void {
  metrics.counter(
    'alcove_read_fallbacks_total',
    'Reads that the primary’s readers were asked for although replicas are there for them',
    ({ reads }) => reads.counts.fallbacks,
  );
}

/** By replica: there are few. */
function replicaMetrics(metrics: Metrics): void {
  type Value = (replica: ReplicaSnapshot) => number | null;
  const lines =
    (value: Value) =>
    ({ reads }: ServerStatus) =>
      reads.replicas.map((replica) => [{ replica: replica.id }, value(replica)] as const);
  const gauge = (name: string, help: string, value: Value): void => metrics.gauges(name, help, ['replica'], lines(value));
  const counter = (name: string, help: string, value: Value): void => metrics.counters(name, help, ['replica'], lines(value));
  const seconds = (ms: number | null | undefined): number | null => (ms == null ? null : ms / 1_000);
  counter('alcove_reads_total', 'Reads that a replica answered', ({ reads }) => reads);
  const sumOf = (codes: Readonly<Record<string, number>>): number => Object.values(codes).reduce((sum, count) => sum + count, 0);
  counter('alcove_read_errors_total', 'Reads that failed at a replica over itself', ({ errors }) => sumOf(errors));
  counter('alcove_read_statement_errors_total', 'Reads that failed at a replica over what they asked', ({ statementErrors }) =>
    sumOf(statementErrors),
  );
  counter(
    'alcove_reads_passed_on_total',
    'Reads that went elsewhere: it was behind, does not have the room, or had too much to do',
    ({ passedOn }) => passedOn,
  );
  gauge('alcove_replica_up', '1 where the last check found it', ({ isUp }) => (isUp === null ? null : isUp ? 1 : 0));
  gauge('alcove_replica_lag_seconds', 'Age of what it last applied', ({ lag }) => seconds(lag?.ms));
  gauge('alcove_replica_lag_versions', 'Versions that it is behind', ({ lag }) => lag?.versions ?? null);
  gauge('alcove_read_p50_seconds', 'Of the last minute', ({ p50Ms }) => seconds(p50Ms));
  gauge('alcove_read_p99_seconds', 'Of the last minute', ({ p99Ms }) => seconds(p99Ms));
  gauge('alcove_replica_wrong', '1 while it holds other rows than the primary and is out', ({ wrong }) => (wrong.length > 0 ? 1 : 0));
  counter('alcove_replica_resyncs_total', 'Rooms that a replica was told to take anew', ({ compared }) => compared.resyncs);
  gauge('alcove_replica_uncompared_rooms', 'Rooms whose last comparison found nothing out', ({ uncompared }) => uncompared.count);
  metrics.counters(
    'alcove_replica_compared_total',
    'Comparisons of a room with the primary: same, wrong, late (not read in time) or unsure (written too fast, or not to be read)',
    ['replica', 'found'],
    ({ reads }) =>
      reads.replicas.flatMap(({ id: replica, compared }) =>
        (['same', 'unsure', 'late', 'wrong'] as const).map((found) => [{ replica, found }, compared[found]] as const),
      ),
  );
}

/** Of whoever keeps rooms in step: followers, as their last look told, and the mirror. Sums over rooms, of which there may be as many as there are users. */
function syncMetrics(metrics: Metrics): void {
  const lines =
    (value: (totals: SyncTotals) => number) =>
    ({ reads, mirror }: ServerStatus) => [
      ...reads.replicas.flatMap(({ id, sync }) => (sync === null ? [] : [[{ replica: id }, value(sync.totals)] as const])),
      ...(mirror === null ? [] : [[{ replica: mirror.id }, value(mirror.totals)] as const]),
    ];
  const gauge = (name: string, help: string, value: (totals: SyncTotals) => number): void =>
    metrics.gauges(name, help, ['replica'], lines(value));
  const counter = (name: string, help: string, value: (totals: SyncTotals) => number): void =>
    metrics.counters(name, help, ['replica'], lines(value));
  gauge('alcove_sync_rooms', 'Rooms that it keeps in step', ({ rooms }) => rooms);
  gauge('alcove_sync_rooms_available', 'Of them, those that can be read', ({ available }) => available);
  gauge('alcove_sync_rooms_healthy', 'Of them, those that are live and without an error', ({ healthy }) => healthy);
  gauge('alcove_sync_lag_seconds', 'Of the room that is furthest behind', ({ lagMs }) => lagMs / 1_000);
  gauge('alcove_sync_lag_versions', 'Of the room that is furthest behind', ({ lagVersions }) => lagVersions);
  gauge('alcove_sync_error_rate', 'Errors of all tries, from 0 to 1', ({ errorRate }) => errorRate);
  counter('alcove_sync_batches_total', 'Transactions that brought rooms further', ({ batches }) => batches);
  counter('alcove_sync_rows_total', 'Rows that they put or deleted', ({ rows }) => rows);
  counter('alcove_sync_errors_total', 'Tries that failed', ({ errors }) => errors);
}
