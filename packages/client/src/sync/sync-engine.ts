import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { EngineClient, EngineHint, EngineStatus, SyncEngine, SyncEngineOptions } from './engine-interface.ts';
import { type EngineLimits, resolveEngineLimits } from './engine-limits.ts';
import { EngineSession } from './engine-session.ts';
import { closedError, engineStatus, obstacleOf, STOPPED } from './engine-status.ts';
import { bytesOf, MutationFlow } from './mutation-flow.ts';
import { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { NoticeBatch } from './notice-batch.ts';
import { KeptRoom } from './kept-room.ts';
import { QueryFlow } from './query-flow.ts';
import { ReadCalls } from './read-calls.ts';
import { ReplicaFlow } from './replica-flow.ts';
import { runOptionsOf } from './run-options.ts';
import { ServerReads } from './server-reads.ts';
import { StateFlow } from './state-flow.ts';
import { type MessageTakers, takeMessage } from './take-message.ts';
import { WorkTurns } from './work-turns.ts';

/** @throws AlcoveError `option_invalid` */
export function createSyncEngine(options: SyncEngineOptions): SyncEngine {
  return new Engine(options);
}

/** Offers of values that one engine can make before its numbers meet the next one's. */
const OFFERS_A_LIFE = 2 ** 32;

/**
 * Joins the flows: each message of the room and each call of the page goes to the flow it concerns; what follows is done in turns (rebase, queries, a piece of
 * a snapshot, pushes), and told at their end.
 */
class Engine extends ReadCalls implements SyncEngine {
  readonly #options: SyncEngineOptions;
  readonly #limits: EngineLimits;
  readonly #notices: NoticeBatch;
  readonly #turns: WorkTurns;
  readonly #session: EngineSession;
  readonly #mutations: MutationFlow;
  readonly #replica: ReplicaFlow;
  protected readonly queries: QueryFlow;
  protected readonly reads: ServerReads;
  protected readonly states: StateFlow;
  readonly #siblings: SiblingMutations;
  /** Null: all is gone with this engine. */
  protected readonly kept: KeptRoom | null;
  #isStarted = false;
  #mayConnect = true;
  readonly #takers: MessageTakers;
  protected isClosed = false;

  constructor(options: SyncEngineOptions) {
    super();
    this.#options = options;
    this.#limits = resolveEngineLimits(options.limits);
    this.#notices = new NoticeBatch(options.onNotices);
    this.#turns = new WorkTurns(options.runtime, () => this.#guard('a turn', () => this.#work()) ?? false);
    this.#session = this.#makeSession();
    this.#siblings = new SiblingMutations((mutation) => bytesOf(mutation, options.runtime));
    this.#mutations = new MutationFlow({ ...this.#shared(), notices: this.#notices, beside: this.#siblings });
    this.queries = new QueryFlow(options.room.model, this.#limits, options.runtime, this.#notices);
    this.reads = this.#makeReads();
    this.states = this.#makeStates();
    this.#replica = this.#makeReplica();
    this.kept = this.#makeKept();
    this.#takers = {
      facts: this.#session.facts,
      mutations: this.#mutations,
      siblings: this.#siblings,
      replica: this.#replica,
      states: this.states,
      reads: this.reads,
      welcome: (message) => this.#session.welcome(message),
      setUser: (user) => this.#session.setUser(user),
      wake: () => this.#turns.wish(),
    };
  }

  #makeSession(): EngineSession {
    return new EngineSession({
      engine: this.#options,
      limits: this.#limits,
      flows: () => ({
        mutations: this.#mutations,
        siblings: this.#siblings,
        replica: this.#replica,
        states: this.states,
        reads: this.reads,
        kept: this.kept,
      }),
      onMessage: (message) => this.#guard('a message', () => this.isClosed || this.#turns.during(() => takeMessage(message, this.#takers))),
      wake: () => this.#turns.wish(),
    });
  }

  #makeReads(): ServerReads {
    return new ServerReads({
      ...this.#shared(),
      outbox: this.#mutations.outbox,
      siblings: this.#siblings,
      messageBytesMax: () => this.#mutations.messageBytesMax,
      obstacle: () => obstacleOf(this.#session.connection.state),
      held: () => this.#session.facts.held(this.#replica.position),
    });
  }

  #makeStates(): StateFlow {
    const { life = 1 } = this.#options;
    return new StateFlow({
      ...this.#shared(),
      notices: this.#notices,
      database: () => this.#replica.database,
      clientId: () => this.#session.clientId,
      offersFrom: (life - 1) * OFFERS_A_LIFE,
      mayOffer: () => !this.#session.isStopped,
      speaksFor: (clientId) => this.#mutations.outbox.counters(clientId) !== null,
    });
  }

  #makeKept(): KeptRoom | null {
    return KeptRoom.of({
      engine: this.#options,
      run: runOptionsOf(this.#options, this.#limits, this.#mutations.outbox),
      mutations: this.#mutations,
      siblings: this.#siblings,
      notices: this.#notices,
      replica: () => this.#replica,
      turns: this.#turns,
      facts: this.#session.facts,
      takeOver: (clients, mutations) => this.#session.takeOver(clients, mutations),
    });
  }

  #shared() {
    const { runtime, room } = this.#options;
    return {
      runtime,
      room,
      limits: this.#limits,
      send: (message: ClientMessageInput): boolean => this.#session.connection.send(message),
      bufferedBytes: (): number => this.#session.connection.bufferedBytes,
      breakOff: (error: AlcoveError): void => this.#session.breakOff(error),
      wake: (): void => this.#turns.wish(),
    };
  }

  #makeReplica(): ReplicaFlow {
    return new ReplicaFlow({
      ...this.#shared(),
      ...runOptionsOf(this.#options, this.#limits, this.#mutations.outbox),
      outbox: this.#mutations.outbox,
      siblings: this.#siblings,
      fetchImage: this.#options.isFrugal === true ? null : this.#options.fetchImage,
      imageStallMs: this.#limits.imageStallMs,
      shownBefore: this.#options.shown ?? null,
      openDatabase: (image) => this.#options.openDatabase(image),
      onChanges: (changes) => {
        this.queries.invalidate(changes);
        this.states.rowsChanged(changes);
      },
      onShown: (database) => {
        this.queries.attach(database);
        this.states.values.rowsChanged(null);
      },
      onSettled: (settled) => this.queries.settle(this.#mutations.settled(settled)),
      onProgress: (position, commits, settled) => this.kept?.flow.progress(position, commits, settled),
      onSnapshot: (database, position, image, isFork) => this.kept?.images.took(database, position, image, isFork) ?? database,
    });
  }

  start(connect = true): void {
    this.assertOpen();
    this.#mayConnect = connect;
    // In a later life it was adopted, under the name its mutations go by.
    if ((this.#options.life ?? 1) === 1)
      this.#mutations.outbox.addClient({ clientId: this.#session.clientId, confirmed: 0, welcomed: null });
    if (this.kept === null || this.#isStarted) return this.#session.connection.start(connect);
    this.#isStarted = true;
    // Hello says where the replica stands that was kept.
    void this.kept.restore().then(() => {
      if (!this.isClosed) this.#session.connection.start(this.#mayConnect);
    });
  }

  mutate(given: Mutation): 'ran' | 'deferred' | 'known' {
    this.assertOpen();
    const admitted = this.#mutations.admit(given);
    if (admitted === null) return 'known';
    const { mutation, bytes } = admitted;
    return this.#turns.during(() => {
      const ran = this.#replica.run(mutation);
      if (!ran) this.#mutations.checkArguments(mutation);
      this.#mutations.outbox.add(mutation, bytes);
      this.kept?.flow.called(mutation);
      this.#turns.wish();
      return ran ? 'ran' : 'deferred';
    });
  }

  adopt(clients: readonly EngineClient[], mutations: readonly Mutation[]): void {
    this.assertOpen();
    const { isStopped } = this.#session;
    const adopted = this.#session.takeOver(clients, mutations);
    this.#replica.adopt(adopted);
    if (isStopped && clients[0] !== undefined) this.#session.become(clients[0].clientId);
    this.kept?.speaksFor(clients, this.#session.clientId);
    for (const mutation of adopted) this.kept?.flow.called(mutation);
    this.#turns.wish();
  }

  heard(clientId: string, upTo: number): void {
    if (this.isClosed) return;
    if (this.kept === null) this.#mutations.outbox.heard(clientId, upTo);
    else this.kept.flow.heard(clientId, upTo);
    this.#turns.wish();
  }

  discard(clientId: string, again: readonly number[] = []): void {
    this.assertOpen();
    const discarded = this.#mutations.outbox.discard(clientId);
    this.reads.discarded(clientId);
    const dropped = new Set(discarded.map(({ mutationId }) => mutationId));
    this.kept?.flow.dropped(clientId, discarded, this.#mutations.outbox.stoppedBy(clientId) ?? STOPPED, again);
    if (dropped.size === 0) return;
    this.#replica.drop((mutation) => mutation.clientId === clientId && dropped.has(mutation.mutationId));
    this.#turns.wish();
  }

  hint(hint: EngineHint): void {
    if (this.isClosed) return;
    if (hint === 'hidden') this.states.values.offerNow();
    if (hint === 'hidden' || hint === 'visible') this.kept?.hides(hint === 'hidden');
    this.#session.connection.hint(hint);
  }

  leave(): void {
    if (this.isClosed) return;
    this.states.values.offerNow();
    const idle = this.#mutations.outbox.idleClientIds();
    this.#session.connection.send({ type: 'bye', clientIds: this.kept === null ? idle : [] }); // a disk may bring them back
    this.kept?.flow.removeClients(idle);
    this.close();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#turns.close();
    this.#session.close();
    this.states.close();
    this.queries.close(closedError());
    this.reads.close(closedError());
    this.kept?.close();
    this.#replica.close();
  }

  protected assertOpen(): void {
    if (this.isClosed) throw closedError();
  }

  protected wake(): void {
    this.#turns.wish();
  }

  status(): EngineStatus {
    return engineStatus({
      runtime: this.#options.runtime,
      connection: this.#session.connection,
      replica: this.#replica,
      facts: this.#session.facts,
      pending: this.#mutations.outbox.size,
      rejected: this.#mutations.rejected,
      storage: this.kept?.flow.disk.state ?? null,
      held: this.kept?.flow.heldCount ?? 0,
    });
  }

  shownMutations(): readonly Mutation[] {
    return this.#replica.pending;
  }

  /** What fails here is a bug of ours, and nobody called: it is logged, and another session begins from a known state. */
  #guard<Value>(what: string, run: () => Value): Value | undefined {
    try {
      return run();
    } catch (cause) {
      const error = AlcoveError.from(cause);
      this.#options.runtime.log.error(`${what} failed`, { room: this.#options.room.name, code: error.code, message: error.message });
      this.#session.connection.breakOff({ code: 'internal', message: error.message });
      return undefined;
    }
  }

  #work(): boolean {
    const untilMs = this.#options.runtime.monotonicMs() + this.#limits.stepBudgetMs;
    this.#replica.rebase();
    this.queries.work(untilMs);
    // The page first: it renders in its own thread while this one goes on.
    this.queries.tell(this.#replica.isCurrent ? 'current' : 'cached');
    if (!this.queries.isSettling) this.#mutations.tellStopped();
    this.#notices.flush(this.status());
    this.kept?.flow.flush();
    if (this.#mutations.outbox.hasSession) {
      const tryAgainAtMs = this.#mutations.push();
      this.#turns.wishAt(tryAgainAtMs ?? this.#mutations.outbox.wakeAtMs());
    }
    this.reads.work(); // behind what was pushed
    this.kept?.turned();
    this.#hydrate(untilMs);
    return !this.isClosed && (this.queries.hasWork || this.#replica.hasWork);
  }

  /** One piece at least, so that a busy page does not keep the first rows away. */
  #hydrate(untilMs: number): void {
    while (this.#replica.hasHydrationWork) {
      this.#replica.hydrate();
      if (this.#options.runtime.monotonicMs() >= untilMs) return;
    }
  }
}
