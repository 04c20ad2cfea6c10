import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Database } from '@alcove/core/sqlite/database';
import type { EngineClient, EngineNotice, FetchedImage, SyncEngine } from '../../../packages/client/src/sync/engine-interface.ts';
import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import type { EngineRead, ServerRows } from '../../../packages/client/src/sync/server-read.ts';
import type { EngineStorage } from '../../../packages/client/src/sync/engine-storage.ts';
import { createSyncEngine } from '../../../packages/client/src/sync/sync-engine.ts';
import type {
  EngineHandlers,
  EngineHost,
  EngineOrder,
  EnginePort,
  MutateAnswer,
  OpenRequest,
} from '../../../packages/client/src/worker/engine-port.ts';
import { performOrder, refusedBy } from '../../../packages/client/src/worker/perform-order.ts';
import type { Bug } from '../bug.ts';
import type { Prng } from '../../fake/prng.ts';
import type { Position } from '../oracle/history.ts';
import type { Build } from '../world/builds.ts';
import type { Frame } from '../network/link.ts';
import { SimProcess } from '../world/sim-process.ts';
import type { Busy, ProcessSurroundings } from '../world/sim-process.ts';
import { Channel } from './channel.ts';
import type { ThroughEngine } from './through-engine.ts';
import type { EngineAudit } from './engine-audit.ts';

export interface EngineHostParts extends ProcessSurroundings {
  readonly name: string;
  readonly random: Prng;
  readonly page: SimProcess;
  readonly build: Build;
  /** Of its workers. */
  readonly busy: Busy;
  readonly startMs: () => number;
  /** The page heard that this is shown. */
  onHeard(position: Position): void;
  /** The page took lines of these names off its list. */
  onDismissed(keys: readonly string[]): void;
  openDatabase(image: Uint8Array | null): Database;
  /** The view that a frame of the room names. */
  viewIn(frame: Frame): string | null;
  connect(worker: SimProcess, handlers: SocketHandlers): Socket;
  /** Null: this tab takes no images. */
  readonly fetchImage: ((worker: SimProcess, path: string) => Promise<FetchedImage>) | null;
  readonly bug: Bug | null;
  newAudit(name: string): EngineAudit;
  /** A read on the server, from the engine's taking it to its answer. */
  throughEngine: ThroughEngine;
  /** Null: nothing outlives the tab. */
  readonly storageOf: ((worker: SimProcess) => EngineStorage) | null;
  /** What outlives a worker beside what its page holds: outboxes that this tab adopted. */
  adopted(): { readonly clients: readonly EngineClient[]; readonly mutations: readonly Mutation[] };
}

/** One engine in one worker. */
export interface RunningEngine {
  readonly worker: SimProcess;
  readonly audit: EngineAudit;
  readonly engine: () => SyncEngine | null;
  /** The worker dies; `tell`: its page notices some time later. */
  die(tell: boolean): void;
}

/** The worker of a simulated tab: the real engine in a process of its own, messages in between that take time, and a death now and then. */
export class SimEngineHost implements EngineHost {
  readonly #parts: EngineHostParts;
  #count = 0;
  running: RunningEngine | null = null;

  constructor(parts: EngineHostParts) {
    this.#parts = parts;
  }

  open(request: OpenRequest, handlers: EngineHandlers): EnginePort {
    this.#count += 1;
    const number = this.#count;
    // Of one that was followed by another the page hears nothing any more.
    const isHeard = (): boolean => number === this.#count;
    const life = new EngineLife(`${this.#parts.name}w${number}`, { ...this.#parts, isHeard }, request, handlers, () => {
      if (this.running === life) this.running = null;
    });
    this.running = life;
    return life.port();
  }

  close(): void {
    this.running?.die(false);
  }
}

interface EngineLifeParts extends EngineHostParts {
  isHeard(): boolean;
}

class EngineLife implements RunningEngine {
  readonly worker: SimProcess;
  readonly audit: EngineAudit;
  readonly #parts: EngineLifeParts;
  readonly #handlers: EngineHandlers;
  readonly #onEnd: () => void;
  readonly #toWorker: Channel;
  /** Answers and notices travel on ports of their own. */
  readonly #answers: Channel;
  readonly #notices: Channel;
  readonly #calls = new Set<(error: AlcoveError) => void>();
  #made: SyncEngine | null = null;
  #sockets = 0;
  #over = false;

  constructor(name: string, parts: EngineLifeParts, request: OpenRequest, handlers: EngineHandlers, onEnd: () => void) {
    const { time, random, page } = parts;
    this.#parts = parts;
    this.#handlers = handlers;
    this.#onEnd = onEnd;
    this.worker = new SimProcess(name, parts, parts.startMs(), parts.busy);
    this.worker.expectedErrors.push(/unauthenticated/);
    // Until the server has the newer release, too.
    if (parts.build.isNewer) this.worker.expectedErrors.push(/room_outdated/);
    this.audit = parts.newAudit(name);
    this.#toWorker = new Channel(time, random, this.worker);
    this.#answers = new Channel(time, random, page);
    this.#notices = new Channel(time, random, page);
    this.#toWorker.post(() => this.#make(request));
  }

  readonly engine = (): SyncEngine | null => (this.#over ? null : this.#made);

  port(): EnginePort {
    return {
      mutate: (mutations) => this.#call((engine) => this.#mutate(engine, mutations)),
      runOnce: (query) => this.#call((engine) => engine.runOnce(query)),
      serverRead: (call, read) => this.#call((engine) => this.#serverRead(engine, call, read)),
      tell: (order) => this.#toWorker.post(() => this.#obey(order)),
    };
  }

  die(tell: boolean): void {
    if (this.#over) return;
    this.#end();
    const error = new AlcoveError('worker_failed', 'the worker ended before it answered');
    const { time, random, page } = this.#parts;
    if (!tell) return;
    time.setTimer(random.float() * 300, () =>
      page.enter(() => {
        for (const fail of this.#calls) fail(error);
        this.#handlers.onLost({ error: error.toBody(), final: false });
      }),
    );
  }

  #end(): void {
    this.#over = true;
    this.worker.kill();
    this.#answers.close();
    this.#notices.close();
    this.audit.close();
    this.#onEnd();
  }

  #make(request: OpenRequest): void {
    const { audit, worker } = this;
    const { fetchImage, storageOf } = this.#parts;
    const engine = createSyncEngine({
      runtime: worker.runtime,
      room: this.#parts.build.room,
      roomId: request.roomId,
      clientId: request.clientId,
      life: request.life,
      groupId: request.groupId,
      shown: this.#parts.bug?.forgetsShown === true ? null : request.shown,
      isGroupBound: request.isGroupBound,
      url: request.url,
      token: () => this.#token(),
      openDatabase: (image) => audit.databases.opened(this.#parts.openDatabase(image), image),
      openSocket: (_url, handlers) => this.#openSocket(handlers),
      fetchImage: fetchImage === null ? null : ({ path }) => fetchImage(worker, path),
      limits: request.limits,
      storage: request.place === null || storageOf === null ? null : this.#broken(storageOf(worker)),
      onNotices: (notices) => this.#tell(notices),
    });
    this.#made = engine;
    audit.attach(engine, worker);
    const adopted = this.#parts.adopted();
    const clients = [...request.clients, ...adopted.clients];
    const mutations = [...request.mutations, ...adopted.mutations];
    if (clients.length > 0 || mutations.length > 0) this.#adopt(engine, clients, mutations);
  }

  #broken(storage: EngineStorage): EngineStorage {
    const { bug, random } = this.#parts;
    return bug?.engineStorage?.(storage, random) ?? storage;
  }

  #adopt(engine: SyncEngine, clients: readonly EngineClient[], mutations: readonly Mutation[]): void {
    this.audit.adopted(clients, mutations);
    engine.adopt(clients, mutations);
  }

  /** The page holds the token: asking takes time. */
  #token(): Promise<string | null> {
    return new Promise((resolve, reject) => {
      this.#notices.post(() => {
        const answer = this.#handlers.token();
        Promise.resolve(answer).then(
          (token) => this.#toWorker.post(() => resolve(token)),
          (error: unknown) => this.#toWorker.post(() => reject(AlcoveError.from(error))),
        );
      });
    });
  }

  #openSocket(handlers: SocketHandlers): Socket {
    const { audit } = this;
    this.#sockets += 1;
    const number = this.#sockets;
    return this.#parts.connect(this.worker, {
      onOpen: () => handlers.onOpen(),
      onMessage: (frame) => {
        audit.touched();
        const view = this.#parts.viewIn(frame);
        if (view !== null && number === this.#sockets) audit.databases.announced(view);
        handlers.onMessage(frame);
      },
      onClose: (code, reason) => {
        audit.touched();
        handlers.onClose(code, reason);
      },
    });
  }

  #tell(notices: readonly EngineNotice[]): void {
    if (this.#over) return;
    for (const notice of notices)
      if (notice.type !== 'query' && notice.type !== 'status') this.#parts.trace.add(this.worker.name, `tells ${JSON.stringify(notice)}`);
    const shown = this.audit.databases.positionIn(notices);
    this.audit.told(notices);
    this.#notices.post(() => {
      const isHeard = this.#parts.isHeard();
      this.#handlers.onNotices(notices);
      if (shown !== null && isHeard) this.#parts.onHeard(shown);
    });
  }

  #call<Value>(run: (engine: SyncEngine) => Value | Promise<Value>): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      this.#calls.add(reject);
      const answered = (settle: () => void): void =>
        this.#answers.post(() => {
          this.#calls.delete(reject);
          settle();
        });
      this.#toWorker.post(() => void this.#answer(run, resolve, reject, answered));
    });
  }

  async #answer<Value>(
    run: (engine: SyncEngine) => Value | Promise<Value>,
    resolve: (value: Value) => void,
    reject: (error: AlcoveError) => void,
    answered: (settle: () => void) => void,
  ): Promise<void> {
    this.audit.touched();
    try {
      if (this.#made === null) throw new AlcoveError('closed', 'the room is not open in this worker');
      const value = await run(this.#made);
      answered(() => resolve(value));
    } catch (error) {
      if (!(error instanceof AlcoveError)) this.#parts.findings.report('crash', `${this.worker.name} threw: ${String(error)}`);
      answered(() => reject(AlcoveError.from(error)));
    }
  }

  #serverRead(engine: SyncEngine, call: number, read: EngineRead): Promise<ServerRows> {
    const { audit } = this;
    const run = (): Promise<ServerRows> => engine.serverRead(call, read);
    return this.#parts.throughEngine(this.worker.name, engine, read, [...audit.pending, ...audit.siblings], run);
  }

  /** As performMutations, and the audit hears of each. */
  #mutate(engine: SyncEngine, mutations: readonly Mutation[]): MutateAnswer {
    for (const [index, mutation] of mutations.entries()) {
      try {
        const answer = engine.mutate(mutation);
        this.#parts.trace.add(
          this.worker.name,
          `${answer} ${mutation.clientId} ${mutation.mutationId} ${mutation.name} ${JSON.stringify(mutation.args)}`,
        );
        this.audit.took(mutation, answer);
      } catch (error) {
        this.#parts.trace.add(
          this.worker.name,
          `refuses ${mutation.clientId} ${mutation.mutationId} ${mutation.name}: ${AlcoveError.from(error).code}`,
        );
        if (!(error instanceof AlcoveError)) throw error;
        return { taken: index, error: error.toBody() };
      }
    }
    return { taken: mutations.length, error: null };
  }

  #obey(order: EngineOrder): void {
    const engine = this.#made;
    if (engine === null || this.#over) return;
    this.audit.touched();
    this.#audited(order);
    try {
      performOrder(engine, order);
    } catch (error) {
      const refused = refusedBy(order);
      if (refused === null || !(error instanceof AlcoveError)) throw error;
      const notices: EngineNotice[] = [{ type: 'stateRefused', ...refused, error: error.toBody() }];
      this.#notices.post(() => this.#handlers.onNotices(notices));
    }
    if (order.type === 'leave' || order.type === 'close') this.#parts.time.setTimer(5_000, () => this.die(false));
  }

  #audited(order: EngineOrder): void {
    switch (order.type) {
      case 'watch':
        return this.audit.queries.watched(order.queryId, order.query);
      case 'unwatch':
        return this.audit.queries.unwatched(order.queryId);
      case 'adopt':
        return this.audit.adopted(order.clients, order.mutations);
      case 'discard':
        return this.audit.discarded(order.clientId);
      case 'dismiss':
        return this.#parts.onDismissed(order.keys);
      case 'leave':
      case 'close':
        return this.audit.ended();
      default:
        return;
    }
  }
}
