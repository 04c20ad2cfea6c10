import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
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
