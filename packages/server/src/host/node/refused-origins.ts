import type { Logger } from '@alcove/core/runtime/logger';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { OriginRequest } from './origins.ts';

const AGAIN_MS = 60_000;
/** Told of within a minute; of more nothing is said, so that nobody fills the log with made-up names. */
const ORIGINS_MAX = 100;
/** A header may be long; no origin worth a line is. */
const TEXT_MAX = 200;

/** Tells the log which origins were turned away, each once a minute: a page that is hears no reason, its browser keeps the answer to itself. */
export class RefusedOrigins {
  readonly #log: Logger;
  readonly #runtime: Pick<Runtime, 'monotonicMs'>;
  /** Oldest first. */
  readonly #toldAtMs = new Map<string, number>();

  constructor(log: Logger, runtime: Pick<Runtime, 'monotonicMs'>) {
    this.#log = log;
    this.#runtime = runtime;
  }

  tell({ origin = '', host = '' }: OriginRequest): void {
    const nowMs = this.#runtime.monotonicMs();
    for (const [told, atMs] of this.#toldAtMs) {
      if (nowMs - atMs < AGAIN_MS) break;
      this.#toldAtMs.delete(told);
    }
    const name = origin.slice(0, TEXT_MAX);
    if (this.#toldAtMs.has(name) || this.#toldAtMs.size >= ORIGINS_MAX) return;
    this.#toldAtMs.set(name, nowMs);
    this.#log.info('a page was turned away for its origin; if it is yours, list it in the server’s option `origins`', {
      origin: name,
      host: host.slice(0, TEXT_MAX),
    });
  }
}
