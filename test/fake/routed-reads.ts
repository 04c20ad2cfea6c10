import { ReadRouter } from '../../packages/server/src/read/read-router.ts';
import { ANY_ROUTE, type ReadRoute, type RoutedAnswer } from '../../packages/server/src/read/read-route.ts';
import type { EndSignal, ReadRequest } from '../../packages/server/src/read/replica.ts';
import type { ReplicaSettings } from '../../packages/server/src/read/replica-state.ts';
import { resolveRouterOptions } from '../../packages/server/src/read/resolve-router-options.ts';
import type { RouterOptions, RouterSettings } from '../../packages/server/src/read/router-options.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { FaultyReplica, type FaultyReplicaOptions, PlainHistory } from './faulty-replica.ts';

export const PLAIN_REPLICA: Omit<ReplicaSettings, 'id' | 'dialect'> = {
  region: null,
  weight: 1,
  tier: 0,
  purposes: [],
  concurrencyMax: 10,
  isPrimary: false,
};

/** How a read went. */
export interface RoutedOutcome {
  readonly answer: RoutedAnswer | null;
  /** Null: it was answered. */
  readonly code: string | null;
  readonly error: unknown;
  /** From question to answer, in virtual time. */
  readonly tookMs: number;
}

export interface ReadAsk {
  /** A version of the history's; null: any. */
  readonly version?: number | null;
  /** Of the room as it is; absent: any. */
  readonly historyId?: string;
  readonly route?: Partial<ReadRoute>;
  readonly waitMs?: number;
  readonly timeoutMs?: number;
  readonly sql?: string;
  readonly room?: string;
  readonly signal?: EndSignal;
}

const NEVER: EndSignal = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };

/** A router over replicas with faults, on virtual time. */
export class RoutedReads {
  readonly runtime: FakeRuntime;
  readonly history: PlainHistory;
  readonly router: ReadRouter;
  readonly settings: RouterSettings;
  readonly replicas = new Map<string, FaultyReplica>();

  constructor(options: RouterOptions = {}, seed = 'routed-reads') {
    this.runtime = new FakeRuntime({ seed });
    this.history = new PlainHistory(this.runtime);
    this.settings = resolveRouterOptions(options).router;
    this.router = new ReadRouter(this.settings, this.runtime);
  }

  add(options: FaultyReplicaOptions, settings: Partial<ReplicaSettings> = {}): FaultyReplica {
    const replica = new FaultyReplica(this.runtime, this.history, options);
    this.replicas.set(replica.id, replica);
    this.router.add(replica, { ...PLAIN_REPLICA, id: replica.id, dialect: replica.dialect, ...settings });
    return replica;
  }

  request({ version = null, historyId, sql = 'SELECT 1', room = 'r1', timeoutMs = 1_000 }: ReadAsk): ReadRequest {
    return {
      room: { name: 'trip', id: room },
      sql,
      params: [],
      sight: { key: 'all', tables: [] },
      atLeast: version === null ? null : { historyId: this.history.historyId, version },
      historyId,
      bounds: { timeoutMs, rowsMax: 10, bytesMax: 1_000 },
    };
  }

  /** Resolves however it went. */
  async read(ask: ReadAsk = {}): Promise<RoutedOutcome> {
    const sinceMs = this.runtime.monotonicMs();
    const { route, waitMs = 2_000, signal = NEVER } = ask;
    try {
      const answer = await this.router.read(this.request(ask), { ...ANY_ROUTE, ...route }, waitMs, signal);
      return { answer, code: null, error: null, tookMs: this.runtime.monotonicMs() - sinceMs };
    } catch (error) {
      const code = (error as { readonly code?: string }).code ?? 'none'; // the router throws AlcoveErrors alone; anything else is told as it is
      return { answer: null, code, error, tookMs: this.runtime.monotonicMs() - sinceMs };
    }
  }

  /** Lets time pass until the work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => (isDone = true));
    done.catch(() => undefined); // it is awaited below, when it is over
    while (!isDone) await this.runtime.advanceAsync(1);
    return done;
  }

  /** Asks, and lets time pass until there is an answer. */
  readNow(ask: ReadAsk = {}): Promise<RoutedOutcome> {
    return this.during(this.read(ask));
  }

  /** Has replicas looked at. */
  look(id?: string): Promise<void> {
    return this.during(this.router.check(id));
  }

  /** The ids of who answered so many reads, one after the other. */
  async answerers(count: number, ask: ReadAsk = {}): Promise<string[]> {
    const ids: string[] = [];
    for (let index = 0; index < count; index++) {
      const { answer, code } = await this.readNow(ask);
      ids.push(answer?.replica ?? String(code));
    }
    return ids;
  }
}

/** Replicas `a` and `b` and the primary's readers, looked at once. */
export async function fleet(options: RouterOptions = {}, { primary = true }: { primary?: boolean } = {}) {
  const reads = new RoutedReads({ strategy: 'round-robin', ...options });
  const [a, b] = [reads.add({ id: 'a' }), reads.add({ id: 'b' })];
  const own = primary ? reads.add({ id: 'primary' }, { isPrimary: true }) : null;
  await reads.runtime.advanceAsync(20);
  const of = (id: string) => reads.router.snapshot().replicas.find((replica) => replica.id === id);
  return { reads, a, b, own, of };
}
