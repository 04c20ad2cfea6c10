import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { Connection } from '../connection/connection.ts';
import type { ConnectionState } from '../connection/connection-state.ts';
import { ConnectionNotes } from './connection-notes.ts';
import type { EngineClient, EngineHint, EngineStatus, SyncEngine, SyncEngineOptions } from './engine-interface.ts';
import { engineHello, firstGroupId } from './engine-hello.ts';
import { type EngineLimits, resolveEngineLimits } from './engine-limits.ts';
import { closedError, engineStatus, obstacleOf, SessionFacts, STOPPED } from './engine-status.ts';
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
  readonly #connection: Connection;
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
  /** The client the session is of; another one once it was stopped. */
  #clientId: string;
  readonly #facts = new SessionFacts();
  readonly #noted: ConnectionNotes;
  readonly #takers: MessageTakers;
  protected isClosed = false;

  constructor(options: SyncEngineOptions) {
    super();
    this.#options = options;
    this.#clientId = options.clientId;
    this.#limits = resolveEngineLimits(options.limits);
    this.#notices = new NoticeBatch(options.onNotices);
    this.#turns = new WorkTurns(options.runtime, () => this.#guard('a turn', () => this.#work()) ?? false);
    this.#noted = new ConnectionNotes(options.runtime.log, { room: options.room.name, id: options.roomId, url: options.url });
    this.#connection = this.#makeConnection();
    this.#siblings = new SiblingMutations((mutation) => bytesOf(mutation, options.runtime));
    this.#mutations = new MutationFlow({ ...this.#shared(), notices: this.#notices, beside: this.#siblings });
    this.queries = new QueryFlow(options.room.model, this.#limits, options.runtime, this.#notices);
    this.reads = this.#makeReads();
    this.states = this.#makeStates();
    this.#replica = this.#makeReplica();
    this.kept = this.#makeKept();
    this.#takers = {
      facts: this.#facts,
      mutations: this.#mutations,
      siblings: this.#siblings,
      replica: this.#replica,
      states: this.states,
      reads: this.reads,
      welcome: (message) => this.#welcome(message),
      setUser: (user) => this.#setUser(user),
      wake: () => this.#turns.wish(),
    };
  }

  #makeReads(): ServerReads {
    return new ServerReads({
      ...this.#shared(),
      outbox: this.#mutations.outbox,
      siblings: this.#siblings,
      messageBytesMax: () => this.#mutations.messageBytesMax,
      obstacle: () => obstacleOf(this.#connection.state),
      held: () => this.#facts.held(this.#replica.position),
    });
  }

  #makeStates(): StateFlow {
    const { life = 1 } = this.#options;
    return new StateFlow({
      ...this.#shared(),
      notices: this.#notices,
      database: () => this.#replica.database,
      clientId: () => this.#clientId,
      offersFrom: (life - 1) * OFFERS_A_LIFE,
      mayOffer: () => !this.#isStopped,
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
      facts: this.#facts,
      takeOver: (clients, mutations) => this.#takeOver(clients, mutations),
    });
  }

  #shared() {
    const { runtime, room } = this.#options;
    return {
      runtime,
      room,
      limits: this.#limits,
      send: (message: ClientMessageInput): boolean => this.#connection.send(message),
      bufferedBytes: (): number => this.#connection.bufferedBytes,
      breakOff: (error: AlcoveError): void => this.#connection.breakOff(error.toBody()),
      wake: (): void => this.#turns.wish(),
    };
  }

  #makeConnection(): Connection {
    const { runtime, url, openSocket } = this.#options;
    return new Connection({
      runtime,
      url,
      openSocket,
      token: () => this.#options.token(),
      hello: () => {
        const groupId = (this.#facts.groupId ??= firstGroupId(this.#options, this.kept?.flow.groupId ?? null));
        return engineHello({ ...this.#options, groupId }, this.#clientId, this.#mutations.outbox, this.#siblings, this.#replica);
      },
      times: this.#limits,
      messageBytesMax: this.#limits.messageBytesMax,
      onMessage: (message) => this.#guard('a message', () => this.isClosed || this.#turns.during(() => takeMessage(message, this.#takers))),
      onLost: () => this.#lost(),
      onPhase: (state) => this.#phase(state),
    });
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
    if ((this.#options.life ?? 1) === 1) this.#mutations.outbox.addClient({ clientId: this.#clientId, confirmed: 0, welcomed: null });
    if (this.kept === null || this.#isStarted) return this.#connection.start(connect);
    this.#isStarted = true;
    // Hello says where the replica stands that was kept.
    void this.kept.restore().then(() => {
      if (!this.isClosed) this.#connection.start(this.#mayConnect);
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
    const isStopped = this.#isStopped;
    const adopted = this.#takeOver(clients, mutations);
    this.#replica.adopt(adopted);
    if (isStopped && clients[0] !== undefined) this.#becomeClient(clients[0].clientId);
    this.kept?.speaksFor(clients, this.#clientId);
    for (const mutation of adopted) this.kept?.flow.called(mutation);
    this.#turns.wish();
  }

  /** Gives those that are new here; what is shown is the caller's business. */
  #takeOver(clients: readonly EngineClient[], mutations: readonly Mutation[]): readonly Mutation[] {
    // A session speaks for the clients that its hello named: those that it did not make it necessary to say hello again.
    const isNamed = clients.every(({ clientId }) => this.#mutations.outbox.has(clientId));
    if (!isNamed) this.#sayHelloAgain('for the clients that were adopted');
    const adopted = this.#mutations.adopt(clients, mutations);
    if (isNamed && adopted.length > 0) this.#sayHelloAgain('for the mutations that were adopted');
    return adopted;
  }

  #sayHelloAgain(why: string): void {
    const { state } = this.#connection;
    if (state.phase === 'live' || (state.phase === 'connecting' && state.step === 'greeting'))
      this.#connection.breakOff({ code: 'connection_lost', message: `hello is said again ${why}` });
  }

  /** Whether the room takes nothing more from the session's client, whatever its mutations are called by now. */
  get #isStopped(): boolean {
    return this.#mutations.outbox.isStopped(this.#mutations.outbox.speaksAs(this.#clientId));
  }

  /** The client before was stopped: sessions, and so presence and counters, are this one's from now on. */
  #becomeClient(clientId: string): void {
    this.#clientId = clientId;
    this.states.values.startOver();
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
    this.#connection.hint(hint);
  }

  leave(): void {
    if (this.isClosed) return;
    this.states.values.offerNow();
    const idle = this.#mutations.outbox.idleClientIds();
    this.#connection.send({ type: 'bye', clientIds: this.kept === null ? idle : [] }); // a disk may bring them back
    this.kept?.flow.removeClients(idle);
    this.close();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#turns.close();
    this.#connection.close();
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
      connection: this.#connection,
      replica: this.#replica,
      facts: this.#facts,
      pending: this.#mutations.outbox.size,
      rejected: this.#mutations.rejected,
      storage: this.kept?.flow.disk.state ?? null,
      held: this.kept?.flow.heldCount ?? 0,
    });
  }

  shownMutations(): readonly Mutation[] {
    return this.#replica.pending;
  }

  #setUser(user: Claims | null): void {
    this.#facts.user = user;
    this.#replica.user = user;
    this.#turns.wish();
  }

  #welcome(message: WelcomeMessage): void {
    const { outbox } = this.#mutations;
    // What hello asked about it said too little of to speak for.
    if (this.#siblings.asked.some((clientId) => outbox.has(clientId))) return this.#sayHelloAgain('for what was adopted meanwhile');
    this.#facts.welcome(message, this.#options.runtime.nowMs());
    this.#setUser(message.user);
    const rekeyed = this.#mutations.welcome(message);
    if (rekeyed.length > 0) {
      this.#replica.rename((mutation) => outbox.currentName(mutation));
      this.kept?.flow.renamed(rekeyed);
      return this.#sayHelloAgain('under the names that mutations go by now');
    }
    this.kept?.flow.welcomed();
    this.#replica.welcome(message);
    this.states.welcomed(message);
    this.#turns.wish();
  }

  #lost(): void {
    if (this.isClosed) return;
    this.#facts.welcomeVersion = null;
    this.#mutations.outbox.connectionLost();
    this.#replica.lost();
    this.states.lost();
    this.reads.lost();
    this.#turns.wish();
  }

  #phase(state: ConnectionState): void {
    if (this.isClosed) return;
    if ('error' in state) this.#facts.error = state.error;
    this.#noted.phase(state);
    this.#turns.wish();
  }

  /** What fails here is a bug of ours, and nobody called: it is logged, and another session begins from a known state. */
  #guard<Value>(what: string, run: () => Value): Value | undefined {
    try {
      return run();
    } catch (cause) {
      const error = AlcoveError.from(cause);
      this.#options.runtime.log.error(`${what} failed`, { room: this.#options.room.name, code: error.code, message: error.message });
      this.#connection.breakOff({ code: 'internal', message: error.message });
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
