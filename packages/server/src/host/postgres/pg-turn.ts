import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { PoolClient } from 'pg';
import type { EndSignal } from '../../read/replica.ts';
import { cancelRunning } from './cancel-running.ts';
import { cutConnection, type PgConnections } from './pg-connections.ts';
import { failureKindOf } from './read-failure.ts';

export interface PgTurnParts {
  readonly connections: PgConnections;
  readonly runtime: Runtime;
  /** From when there is a connection; past it the work is `query_timeout`. */
  readonly timeoutMs: number;
  readonly signal: EndSignal;
}

/** A cancel request that was not heeded for so long is followed by the end of the connection. */
const CUT_AFTER_MS = 400;
/** Work that has taken so long makes one wonder whether the server is there at all. */
const WONDER_AFTER_MS = 1_000;

/**
 * Runs `work` on a connection, and ends it on the server when its time is over or nobody waits any more: first by a cancel request, then by cutting the connection. The connection goes back to the
 * others only where nothing of the work, nor of its end, can still reach it.
 * A server that stands still is told from one that has much to do: it lets nobody in, and heeds no cancel request.
 * @throws AlcoveError (as rejection) `closed` at once, `query_timeout` when the work has ended, `replica_unavailable` where the server stands still; what `work` and pg throw.
 */
export function pgTurn<T>(parts: PgTurnParts, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    new PgTurn(parts, resolve, reject).run(work).catch(reject);
  });
}

class PgTurn<T> {
  readonly #parts: PgTurnParts;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #timers: Timer[] = [];
  #client: PoolClient | null = null;
  #ended: AlcoveError | null = null;

  constructor(parts: PgTurnParts, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#parts = parts;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  async run(work: (client: PoolClient) => Promise<T>): Promise<void> {
    const { connections, signal, timeoutMs } = this.#parts;
    if (signal.aborted) throw nobodyWaits();
    const aborted = (): void => this.#end(nobodyWaits());
    signal.addEventListener('abort', aborted, { once: true });
    try {
      const client = await connections.take();
      if (this.#ended !== null) return connections.release(client, false);
      this.#client = client;
      this.#watch(timeoutMs);
      await this.#settle(client, work(client));
    } finally {
      signal.removeEventListener('abort', aborted);
      for (const timer of this.#timers) timer.cancel();
    }
  }

  #watch(timeoutMs: number): void {
    const over = (): void => this.#end(new AlcoveError('query_timeout', `the read took longer than ${timeoutMs} ms and was ended`));
    if (timeoutMs <= WONDER_AFTER_MS) return this.#after(timeoutMs, over);
    // Most reads are done before the first of the two.
    this.#after(WONDER_AFTER_MS, () => {
      void this.#wonder();
      this.#after(timeoutMs - WONDER_AFTER_MS, over);
    });
  }

  async #settle(client: PoolClient, work: Promise<T>): Promise<void> {
    const { connections } = this.#parts;
    try {
      const value = await work;
      if (this.#ended === null) this.#resolve(value);
      else this.#reject(this.#ended);
      // A cancel request may still be on its way.
      connections.release(client, this.#ended !== null);
    } catch (error) {
      this.#reject(this.#told(error));
      const kind = error instanceof AlcoveError ? 'statement' : failureKindOf(error);
      const isClean = this.#ended === null ? kind !== 'unavailable' : kind === 'ended';
      const isRolledBack = isClean && (await rolledBack(client));
      connections.release(client, !isRolledBack);
    }
  }

  /** Who does not heed a cancel request is not there. */
  #told(error: unknown): unknown {
    const ended = this.#ended;
    if (ended === null || ended.code !== 'query_timeout' || error instanceof AlcoveError || failureKindOf(error) !== 'unavailable')
      return ended ?? error;
    return standsStill();
  }

  async #wonder(): Promise<void> {
    if (!(await this.#parts.connections.isAlive())) this.#end(standsStill());
  }

  #end(error: AlcoveError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    if (error.code !== 'query_timeout') this.#reject(error);
    const client = this.#client;
    if (client === null) return;
    cancelRunning(client);
    this.#after(CUT_AFTER_MS, () => cutConnection(client));
  }

  #after(ms: number, then: () => void): void {
    this.#timers.push(this.#parts.runtime.setTimer(ms, then));
  }
}

const standsStill = (): AlcoveError => new AlcoveError('replica_unavailable', 'PostgreSQL says nothing and lets nobody in');

const nobodyWaits = (): AlcoveError => new AlcoveError('closed', 'nobody waits for the read any more');

const rolledBack = (client: PoolClient): Promise<boolean> =>
  client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
