import { Client } from '../../packages/client/src/client.ts';
import type { EngineNotice, EngineStatus, QueryNotice } from '../../packages/client/src/sync/engine-interface.ts';
import type {
  EngineHandlers,
  EngineHost,
  EngineOrder,
  EnginePort,
  MutateAnswer,
  OpenRequest,
} from '../../packages/client/src/worker/engine-port.ts';
import type { EngineRead, ServerRows } from '../../packages/client/src/sync/server-read.ts';
import { createBrowserRuntime } from '../../packages/client/src/worker/browser-runtime.ts';
import type { AlcoveError, ErrorBody } from '@alcove/core/error';
import { silentLogger } from '@alcove/core/runtime/logger';

const LIVE: EngineStatus = {
  connection: 'live',
  error: null,
  attempt: 0,
  retryAtMs: null,
  replica: 'current',
  historyId: 'h',
  version: 1,
  hash: '1',
  headVersion: 1,
  welcomeVersion: 1,
  heardAtMs: 1,
  roundTripMs: 2,
  pending: 0,
  rejected: 0,
  hydration: null,
  storage: null,
  sessionId: 's',
  user: null,
  serverOffsetMs: 0,
};

export interface ScriptedRead {
  readonly call: number;
  readonly read: EngineRead;
  resolve(rows: ServerRows): void;
  reject(error: AlcoveError): void;
}

/** The page's side of a room without a worker: what it orders is kept, what it hears is said by the test. For tests of hooks. */
export class ScriptedEngine implements EngineHost {
  readonly orders: EngineOrder[] = [];
  readonly requests: OpenRequest[] = [];
  /** Asked of the server, in order. */
  readonly reads: ScriptedRead[] = [];
  #handlers: EngineHandlers | null = null;

  open(request: OpenRequest, handlers: EngineHandlers): EnginePort {
    this.requests.push(request);
    this.#handlers = handlers;
    return {
      mutate: (mutations): Promise<MutateAnswer> => Promise.resolve({ taken: mutations.length, error: null }),
      runOnce: () => new Promise(() => undefined),
      serverRead: (call, read) => new Promise((resolve, reject) => this.reads.push({ call, read, resolve, reject })),
      tell: (order) => void this.orders.push(order),
    };
  }

  close(): void {
    this.#handlers = null;
  }

  /** Whether something was opened since it was closed. */
  get isOpen(): boolean {
    return this.#handlers !== null;
  }

  say(...notices: EngineNotice[]): void {
    this.#handlers?.onNotices(notices);
  }

  /** The engine dies; the page opens the next one. */
  die(): void {
    this.#handlers?.onLost({ error: { code: 'worker_failed', message: 'it died' }, final: false });
  }

  /** No engine can be had. */
  fail(error: ErrorBody): void {
    this.#handlers?.onLost({ error, final: true });
  }

  live(change: Partial<EngineStatus> = {}): void {
    this.say({ type: 'status', status: { ...LIVE, ...change } });
  }

  /** Rows for the watch of that SQL (its last one). */
  answer(sqlPart: string, change: Partial<QueryNotice>): void {
    const watch = this.orders.findLast((order) => order.type === 'watch' && order.query.sql.includes(sqlPart));
    if (watch?.type !== 'watch') throw new TypeError(`nobody watches ${sqlPart}`);
    this.say({ type: 'query', queryId: watch.queryId, status: 'current', revision: 1, update: null, error: null, ...change });
  }

  ordered(type: EngineOrder['type']): EngineOrder[] {
    return this.orders.filter((order) => order.type === type);
  }

  client(): Client {
    return new Client({ url: 'ws://localhost:1/sync' }, { runtime: createBrowserRuntime({ log: silentLogger }), host: this });
  }
}
