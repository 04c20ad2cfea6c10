import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ReplicaSnapshot } from '../../read/router-snapshot.ts';
import type { ServerStatus } from './server-status.ts';

/** The figures of a server as Prometheus reads them: `alcove_…`, and those of Node's process, `process_…` and `nodejs_…`. */
export class Prometheus {
  readonly #registry = new Registry();
  readonly #status: () => ServerStatus;

  constructor(status: () => ServerStatus) {
    this.#status = status;
    collectDefaultMetrics({ register: this.#registry });
    this.#gauge('alcove_uptime_seconds', 'Since the server was started', ({ metrics }) => metrics.uptimeMs / 1_000);
    this.#gauge('alcove_connections', 'Open sockets', ({ metrics }) => metrics.connections);
    this.#gauge('alcove_connections_unwelcomed', 'Open sockets that are in no room yet', ({ metrics }) => metrics.connectionsUnwelcomed);
    this.#gauge('alcove_rooms_open', 'Rooms that are open', ({ metrics }) => metrics.openRooms);
    this.#gauge('alcove_sessions', 'Sessions in rooms', ({ metrics }) => metrics.sessions);
    this.#gauge('alcove_draining', '1 while the server stops', ({ status }) => (status === 'draining' ? 1 : 0));
    this.#limitsMet();
    this.#reads();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Asked by a scraper, every few seconds at most. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** What is observed of the process is observed no more. */
  close(): void {
    this.#registry.clear();
  }

  #gauge(name: string, help: string, value: (status: ServerStatus) => number): void {
    const read = this.#status;
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: () => gauge.set(value(read())),
    });
  }

  /** By replica: there are few. */
  #reads(): void {
    const read = this.#status;
    const byReplica = <Kind extends Counter<'replica'> | Gauge<'replica'>>(
      make: (collect: () => void) => Kind,
      value: (replica: ReplicaSnapshot) => number | null,
      put: (metric: Kind, labels: { readonly replica: string }, value: number) => void,
    ): void => {
      const metric: Kind = make(() => {
        metric.reset();
        for (const replica of read().reads.replicas) {
          const now = value(replica);
          if (now !== null) put(metric, { replica: replica.id }, now);
        }
      });
    };
    const common = { labelNames: ['replica'] as const, registers: [this.#registry] };
    byReplica(
      (collect) => new Counter({ ...common, name: 'alcove_reads_total', help: 'Reads that a replica answered', collect }),
      ({ reads }) => reads,
      (metric, labels, value) => metric.inc(labels, value),
    );
    byReplica(
      (collect) => new Counter({ ...common, name: 'alcove_read_errors_total', help: 'Reads that failed at a replica', collect }),
      ({ errors }) => Object.values(errors).reduce((sum, count) => sum + count, 0),
      (metric, labels, value) => metric.inc(labels, value),
    );
    byReplica(
      (collect) =>
        new Counter({ ...common, name: 'alcove_replica_resyncs_total', help: 'Rooms that a replica was told to take anew', collect }),
      ({ compared }) => compared.resyncs,
      (metric, labels, value) => metric.inc(labels, value),
    );
    const gauge = (name: string, help: string, value: (replica: ReplicaSnapshot) => number | null): void =>
      byReplica(
        (collect) => new Gauge({ ...common, name, help, collect }),
        value,
        (metric, labels, now) => metric.set(labels, now),
      );
    gauge('alcove_replica_up', '1 where the last check found it', ({ isUp }) => (isUp === null ? null : isUp ? 1 : 0));
    gauge('alcove_replica_lag_seconds', 'Age of what it last applied', ({ lag }) => (lag === null ? null : lag.ms / 1_000));
    gauge('alcove_replica_lag_versions', 'Versions that it is behind', ({ lag }) => lag?.versions ?? null);
    gauge('alcove_read_p50_seconds', 'Of the last minute', ({ p50Ms }) => (p50Ms === null ? null : p50Ms / 1_000));
    gauge('alcove_read_p99_seconds', 'Of the last minute', ({ p99Ms }) => (p99Ms === null ? null : p99Ms / 1_000));
    gauge('alcove_replica_wrong', '1 while it holds other rows than the primary and is out', ({ wrong }) => (wrong.length > 0 ? 1 : 0));
    const compared: Counter<'replica' | 'found'> = new Counter({
      name: 'alcove_replica_compared_total',
      help: 'Comparisons of a room with the primary: same, wrong, or unsure (it was written too fast, or could not be read)',
      labelNames: ['replica', 'found'],
      registers: [this.#registry],
      collect: () => {
        compared.reset();
        for (const { id, compared: counts } of read().reads.replicas)
          for (const found of ['same', 'unsure', 'wrong'] as const) compared.inc({ replica: id, found }, counts[found]);
      },
    });
    const fallbacks: Counter = new Counter({
      name: 'alcove_read_fallbacks_total',
      help: 'Reads that the primary’s readers were asked for although replicas are there for them',
      registers: [this.#registry],
      collect: () => {
        fallbacks.reset();
        fallbacks.inc(read().reads.counts.fallbacks);
      },
    });
  }

  /** Not by room: there may be as many as there are users. */
  #limitsMet(): void {
    const read = this.#status;
    const counter: Counter<'limit'> = new Counter({
      name: 'alcove_limits_met_total',
      help: 'How often each limit was met',
      labelNames: ['limit'],
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const [limit, count] of Object.entries(read().metrics.limitsMet)) counter.inc({ limit }, count);
      },
    });
  }
}
