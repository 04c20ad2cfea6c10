import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { EngineBlame, EngineLoss, EngineOrder, EnginePort, OpenRequest } from '../worker/engine-port.ts';
import { alone } from './alone.ts';
import type { ClientRoomOptions } from './client-room-options.ts';
import { notRunAgain } from './not-run-again.ts';
import type { RoomStates } from './room-states.ts';
import type { RoomStatus } from './room-status.ts';
import type { PageMutations } from './page-mutations.ts';
import type { PageQueries } from './page-queries.ts';
import type { PageReads } from './page-reads.ts';
import { type NoticeTakers, takeNotice } from './take-notice.ts';

/** What outlives a room's engines; each is handed it. */
export interface EnginePage {
  readonly definition: Pick<AnyRoom, 'name' | 'model'>;
  readonly id: string;
  readonly options: ClientRoomOptions;
  readonly mutations: PageMutations;
  readonly queries: PageQueries;
  readonly reads: PageReads;
  readonly states: RoomStates;
  readonly status: RoomStatus;
  readonly takers: NoticeTakers;
}

/** The engines of one room, one after the other: what is ordered goes to the one there is, one that died is followed by the next. */
export class RoomEngines {
  /** Asked when it is needed: parts of the page give their orders through this. */
  readonly #page: () => EnginePage;
  #port: EnginePort | null = null;
  /** Opened so far for this client. */
  #lives = 0;
  /** The client whose session it is: mutations may have been renamed since, sessions and counters were not. */
  sessionClientId: string;
  /** The app ended the connection. */
  isAway = false;

  constructor(sessionClientId: string, page: () => EnginePage) {
    this.sessionClientId = sessionClientId;
    this.#page = page;
  }

  /** Null: there is none. */
  get port(): EnginePort | null {
    return this.#port;
  }

  /** Returns whether there is an engine to tell. */
  tell(order: EngineOrder): boolean {
    this.#port?.tell(order);
    return this.#port !== null;
  }

  open(): void {
    const { options, mutations, queries, reads, states, takers } = this.#page();
    this.#lives += 1;
    queries.obstacle = null;
    const port = options.openEngine(this.#request(), {
      token: options.token,
      onNotices: (notices) => {
        for (const notice of notices) {
          // One of them may have led to another engine.
          if (this.#port !== port) return;
          alone(() => takeNotice(notice, takers));
        }
      },
      // One that this page has left took along what it ran.
      condemn: (blame, error) => this.#port !== port || this.#condemn(blame, error),
      onLost: (loss) => {
        if (this.#port === port) this.#lost(loss);
      },
    });
    this.#port = port;
    states.attach();
    queries.attach(port);
    mutations.handOver(port);
    port.tell({ type: 'start', connect: !this.isAway });
    mutations.attach(port);
    reads.attach();
  }

  /** The engine leaves the room; nothing it says is heard any more. */
  leave(): void {
    this.tell({ type: 'leave' });
    this.#detach();
    this.#page().queries.detached();
  }

  /** Another engine goes on, with what the page has by now. */
  restart(): void {
    this.tell({ type: 'close' });
    this.#detach();
    this.#page().queries.detached();
    this.open();
  }

  /** The next engine is the first of another client. */
  startOver(clientId: string): void {
    this.#lives = 0;
    this.sessionClientId = clientId;
  }

  #detach(): void {
    this.#port = null;
    this.#page().mutations.detach();
  }

  #request(): OpenRequest {
    const { definition, id, options, mutations, status } = this.#page();
    return {
      roomName: definition.name,
      roomId: id,
      schemaId: definition.model.schemaId,
      url: options.url,
      clientId: this.sessionClientId,
      groupId: status.groupId ?? options.groupId,
      isGroupBound: status.groupId !== null,
      life: this.#lives,
      shown: status.shown,
      limits: options.limits,
      place: options.keeping?.place ?? null,
      ...mutations.carryOver(),
    };
  }

  #condemn(blame: EngineBlame, error: ErrorBody): boolean {
    const { mutations, queries } = this.#page();
    return notRunAgain(error, blame, queries, mutations);
  }

  #lost({ error, final }: EngineLoss): void {
    this.#detach();
    this.#page().queries.detached();
    if (final) return this.#fail(error);
    this.open();
  }

  #fail(error: ErrorBody): void {
    const { definition, id, options, queries, reads, status } = this.#page();
    const { code, message } = error;
    options.runtime.log.error('a room cannot be opened here', { room: definition.name, id, code, message });
    queries.failAll(AlcoveError.fromBody(error));
    reads.fail(AlcoveError.fromBody(error));
    status.failed(error);
  }
}
