import { Counter, Gauge, type Registry } from 'prom-client';

type Labels<Name extends string> = Readonly<Record<Name, string>>;
/** Null: there is no value just now, and no line. */
type Line<Name extends string> = readonly [labels: Labels<Name>, value: number | null];

/** Metrics whose values are read when a scraper asks for them, from one look at the server. */
export class ScrapedMetrics<Status> {
  readonly #registry: Registry;
  readonly #read: () => Status;

  constructor(registry: Registry, read: () => Status) {
    this.#registry = registry;
    this.#read = read;
  }

  gauge(name: string, help: string, value: (status: Status) => number): void {
    this.gauges(name, help, [], (status) => [[{}, value(status)]]);
  }

  counter(name: string, help: string, value: (status: Status) => number): void {
    this.counters(name, help, [], (status) => [[{}, value(status)]]);
  }

  gauges<Name extends string>(
    name: string,
    help: string,
    labelNames: readonly Name[],
    lines: (status: Status) => readonly Line<Name>[],
  ): void {
    const gauge: Gauge<Name> = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        for (const [labels, value] of lines(this.#read())) if (value !== null) gauge.set(labels, value);
      },
    });
  }

  counters<Name extends string>(
    name: string,
    help: string,
    labelNames: readonly Name[],
    lines: (status: Status) => readonly Line<Name>[],
  ): void {
    const counter: Counter<Name> = new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const [labels, value] of lines(this.#read())) if (value !== null) counter.inc(labels, value);
      },
    });
  }
}
