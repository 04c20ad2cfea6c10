import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import { jsonFrom } from '@alcove/core/json';
import type { Mutation } from '@alcove/core/mutation/mutation';
import { parseArguments } from '@alcove/core/mutation/parse-arguments';
import { type ClientMessageInput, PUSH_MUTATIONS_MAX } from '@alcove/core/protocol/client-message';
import type { ServerMessageOf, WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Rekeyed } from '../outbox/client-names.ts';
import type { PushLimits } from '../outbox/next-push.ts';
import { Outbox, type Settled } from '../outbox/outbox.ts';
import type { PendingBeside } from '../outbox/outbox-bound.ts';
import type { EngineClient, SettledNotice } from './engine-interface.ts';
import type { EngineLimits } from './engine-limits.ts';
import type { NoticeBatch } from './notice-batch.ts';

export interface MutationFlowOptions {
  readonly runtime: Runtime;
  readonly room: AnyRoom;
  readonly limits: EngineLimits;
  readonly notices: NoticeBatch;
  /** What other tabs have pending. */
  readonly beside: PendingBeside;
  /** False: there is no session. */
  send(message: ClientMessageInput): boolean;
  bufferedBytes(): number;
  breakOff(error: AlcoveError): void;
}

/** Share of the room's message bound that a push's mutations may take; the rest is for the message around them. */
const PUSH_SHARE = 0.9;
/** So much at once takes a slow link a few seconds: what comes behind it, pings among it, has its turn. */
const PUSH_BATCH_BYTES = 128 * 1024;
/** Before the first welcome: what rooms take by default. */
const MESSAGE_BYTES_MAX = 1_000_000;

/** How often a full socket is looked at again. */
const BACKLOG_LOOK_MS = 200;

/** Mutations between the page, the outbox and the room: checked, enqueued, pushed, answered, told. Knows no rows. */
export class MutationFlow {
  readonly outbox: Outbox;
  readonly #options: MutationFlowOptions;
  #pushLimits: PushLimits = { mutationsMax: PUSH_MUTATIONS_MAX, bytesMax: MESSAGE_BYTES_MAX * PUSH_SHARE, batchBytesMax: PUSH_BATCH_BYTES };
  #historyId: string | null = null;
  #rejected = 0;

  constructor(options: MutationFlowOptions) {
    this.#options = options;
    this.outbox = new Outbox(options.limits, (attempt) => options.notices.add({ type: 'attempted', ...attempt }), options.beside);
  }

  /** Bytes that what is sent at once may have. */
  get messageBytesMax(): number {
    return this.#pushLimits.bytesMax;
  }

  /** Rejections told. */
  get rejected(): number {
    return this.#rejected;
  }

  /**
   * What the mutation is enqueued as: under its present name, its arguments as the room will get them. Null: it is known already.
   * @throws AlcoveError `arguments_invalid`, `mutator_unknown`, `message_too_large`, `outbox_full`, or what its client was stopped with.
   */
  admit(given: Mutation): { readonly mutation: Mutation; readonly bytes: number } | null {
    if (this.outbox.knows(given)) return null;
    const mutation = { ...this.outbox.currentName(given), args: jsonFrom(given.args, 'arguments_invalid', `arguments of ${given.name}`) };
    const bytes = bytesOf(mutation, this.#options.runtime);
    if (bytes > this.#pushLimits.bytesMax) {
      throw new AlcoveError('message_too_large', `${mutation.name} has ${bytes} bytes; the room takes ${this.#pushLimits.bytesMax}`);
    }
    this.outbox.assertRoomFor(mutation, bytes);
    return { mutation, bytes };
  }

  /** What a run would refuse before its body, for when there is no replica to run on. @throws as the run. */
  checkArguments({ name, args }: Mutation): void {
    const { mutators } = this.#options.room;
    const mutator = Object.hasOwn(mutators, name) ? mutators[name] : undefined;
    if (mutator === undefined)
      throw new AlcoveError('mutator_unknown', `room ${this.#options.room.name} has no mutator ${JSON.stringify(name)}`);
    parseArguments(name, mutator.schema, args);
  }

  /** Enqueues what an earlier worker or a dead tab left. Gives what is new. @throws `outbox_full` */
  adopt(clients: readonly EngineClient[], mutations: readonly Mutation[]): Mutation[] {
    for (const client of clients) this.outbox.addClient(client);
    const adopted: Mutation[] = [];
    for (const given of mutations) {
      if (this.outbox.knows(given)) continue;
      const mutation = this.outbox.currentName(given);
      this.outbox.add(mutation, bytesOf(mutation, this.#options.runtime));
      adopted.push(mutation);
    }
    for (const { clientId, lastMutationId } of clients) this.outbox.fillTo(clientId, lastMutationId);
    return adopted;
  }

  /** Compares counters with the room. Gives the names that changed. */
  welcome(message: WelcomeMessage): readonly Rekeyed[] {
    const { messageBytesMax, pushMutationsMax } = message.limits;
    this.#pushLimits = {
      mutationsMax: Math.min(pushMutationsMax, PUSH_MUTATIONS_MAX),
      bytesMax: Math.floor(messageBytesMax * PUSH_SHARE),
      batchBytesMax: PUSH_BATCH_BYTES,
    };
    const isNewHistory = this.#historyId !== null && this.#historyId !== message.historyId;
    this.#historyId = message.historyId;
    const rekeyed = this.outbox.welcome(message, isNewHistory);
    for (const notice of rekeyed) this.#options.notices.add({ type: 'rekeyed', ...notice });
    return rekeyed;
  }

  /** Of clients that were stopped; what settled before is to be told before. */
  tellStopped(): void {
    for (const stopped of this.outbox.takeStopped()) this.#options.notices.add({ type: 'clientStopped', ...stopped });
  }

  refused(message: ServerMessageOf<'refused'>): void {
    const { runtime } = this.#options;
    const then = this.outbox.refused(message, runtime.monotonicMs(), runtime.random());
    if (then === 'disagrees')
      this.#options.breakOff(
        new AlcoveError('connection_lost', `the room expects mutation ${message.expected} of ${message.clientId}, which is not pending`),
      );
  }

  /** Pushes what may go, and says what was heard. Says when to try again where the socket is full; null: something else will. */
  push(): number | null {
    const { runtime, limits, send, bufferedBytes } = this.#options;
    while (bufferedBytes() <= limits.pushBacklogBytesMax) {
      const mutations = this.outbox.nextPush(this.#pushLimits, runtime.monotonicMs());
      if (mutations === null) break;
      send({ type: 'push', mutations });
    }
    for (const heard of this.outbox.takeHeard()) send({ type: 'heard', ...heard });
    return bufferedBytes() > limits.pushBacklogBytesMax && this.outbox.hasUnsent ? runtime.monotonicMs() + BACKLOG_LOOK_MS : null;
  }

  /** Settled mutations as notices; voids are nobody's. */
  settled(settled: readonly Settled[]): SettledNotice[] {
    return settled.filter(({ isVoid }) => !isVoid).map((one) => this.#noticeOf(one));
  }

  #noticeOf({ mutation: { clientId, mutationId }, result, error }: Settled): SettledNotice {
    if (error !== null) this.#rejected += 1;
    const body: ErrorBody | null = error;
    return {
      type: 'settled',
      clientId,
      mutationId,
      outcome: error === null ? 'applied' : 'rejected',
      version: result.version,
      error: body,
    };
  }
}

/** What a mutation counts for in bounds: its JSON in UTF-8. */
export const bytesOf = (mutation: Mutation, { utf8 }: Pick<Runtime, 'utf8'>): number => utf8.encode(JSON.stringify(mutation)).length;
