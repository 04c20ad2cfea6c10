import type { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { ServerMessage, WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { Connection } from '../connection/connection.ts';
import type { ConnectionState } from '../connection/connection-state.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { ConnectionNotes } from './connection-notes.ts';
import { engineHello, firstGroupId } from './engine-hello.ts';
import type { EngineClient, SyncEngineOptions } from './engine-interface.ts';
import type { EngineLimits } from './engine-limits.ts';
import { SessionFacts } from './engine-status.ts';
import type { KeptRoom } from './kept-room.ts';
import type { MutationFlow } from './mutation-flow.ts';
import type { ReplicaFlow } from './replica-flow.ts';
import type { ServerReads } from './server-reads.ts';
import type { StateFlow } from './state-flow.ts';

/** What a session's beginning and its end concern. */
export interface SessionFlows {
  readonly mutations: MutationFlow;
  readonly siblings: SiblingMutations;
  readonly replica: ReplicaFlow;
  readonly states: StateFlow;
  readonly reads: ServerReads;
  /** Null: all is gone with the engine. */
  readonly kept: KeptRoom | null;
}

export interface EngineSessionOptions {
  readonly engine: SyncEngineOptions;
  readonly limits: EngineLimits;
  /** Asked for from the first hello on. */
  flows(): SessionFlows;
  onMessage(message: ServerMessage): void;
  /** There is something for the next turn. */
  wake(): void;
}

/** The engine in the room, over one connection after the other: which client it is, for whom it speaks, what hello says and what a welcome changes. */
export class EngineSession {
  readonly connection: Connection;
  readonly facts = new SessionFacts();
  readonly #options: EngineSessionOptions;
  readonly #notes: ConnectionNotes;
  /** Another one once it was stopped. */
  #clientId: string;
  #isClosed = false;

  constructor(options: EngineSessionOptions) {
    const { runtime, room, roomId, url, clientId } = options.engine;
    this.#options = options;
    this.#clientId = clientId;
    this.#notes = new ConnectionNotes(runtime.log, { room: room.name, id: roomId, url });
    this.connection = this.#makeConnection();
  }

  #makeConnection(): Connection {
    const { engine, limits, onMessage } = this.#options;
    const { runtime, url, openSocket } = engine;
    return new Connection({
      runtime,
      url,
      openSocket,
      token: () => engine.token(),
      hello: () => this.#hello(),
      times: limits,
      messageBytesMax: limits.messageBytesMax,
      onMessage,
      onLost: () => this.#lost(),
      onPhase: (state) => this.#phase(state),
    });
  }

  get clientId(): string {
    return this.#clientId;
  }

  /** Whether the room takes nothing more from the session's client, whatever its mutations are called by now. */
  get isStopped(): boolean {
    const { outbox } = this.#options.flows().mutations;
    return outbox.isStopped(outbox.speaksAs(this.#clientId));
  }

  /** The client before was stopped: sessions, and so presence and counters, are this one's from now on. */
  become(clientId: string): void {
    this.#clientId = clientId;
    this.#options.flows().states.values.startOver();
  }

  /** Speaks for these, too. Gives the mutations that are new here; what is shown is the caller's business. */
  takeOver(clients: readonly EngineClient[], mutations: readonly Mutation[]): readonly Mutation[] {
    const flow = this.#options.flows().mutations;
    // A session speaks for the clients that its hello named: those that it did not make it necessary to say hello again.
    const isNamed = clients.every(({ clientId }) => flow.outbox.has(clientId));
    if (!isNamed) this.#sayHelloAgain('for the clients that were adopted');
    const adopted = flow.adopt(clients, mutations);
    if (isNamed && adopted.length > 0) this.#sayHelloAgain('for the mutations that were adopted');
    return adopted;
  }

  welcome(message: WelcomeMessage): void {
    const { mutations, siblings, replica, states, kept } = this.#options.flows();
    const { outbox } = mutations;
    // What hello asked about it said too little of to speak for.
    if (siblings.asked.some((clientId) => outbox.has(clientId))) return this.#sayHelloAgain('for what was adopted meanwhile');
    this.facts.welcome(message, this.#options.engine.runtime.nowMs());
    this.setUser(message.user);
    const rekeyed = mutations.welcome(message);
    if (rekeyed.length > 0) {
      replica.rename((mutation) => outbox.currentName(mutation));
      kept?.flow.renamed(rekeyed);
      return this.#sayHelloAgain('under the names that mutations go by now');
    }
    kept?.flow.welcomed();
    replica.welcome(message);
    states.welcomed(message);
    this.#options.wake();
  }

  setUser(user: Claims | null): void {
    this.facts.user = user;
    this.#options.flows().replica.user = user;
    this.#options.wake();
  }

  /** Another connection follows, and another hello. */
  breakOff(error: AlcoveError): void {
    this.connection.breakOff(error.toBody());
  }

  close(): void {
    this.#isClosed = true;
    this.connection.close();
  }

  #hello(): ReturnType<typeof engineHello> {
    const { engine, flows } = this.#options;
    const { mutations, siblings, replica, kept } = flows();
    const groupId = (this.facts.groupId ??= firstGroupId(engine, kept?.flow.groupId ?? null));
    return engineHello({ ...engine, groupId }, this.#clientId, mutations.outbox, siblings, replica);
  }

  #sayHelloAgain(why: string): void {
    const { state } = this.connection;
    if (state.phase === 'live' || (state.phase === 'connecting' && state.step === 'greeting'))
      this.connection.breakOff({ code: 'connection_lost', message: `hello is said again ${why}` });
  }

  #lost(): void {
    if (this.#isClosed) return;
    const { mutations, replica, states, reads } = this.#options.flows();
    this.facts.welcomeVersion = null;
    mutations.outbox.connectionLost();
    replica.lost();
    states.lost();
    reads.lost();
    this.#options.wake();
  }

  #phase(state: ConnectionState): void {
    if (this.#isClosed) return;
    if ('error' in state) this.facts.error = state.error;
    this.#notes.phase(state);
    this.#options.wake();
  }
}
