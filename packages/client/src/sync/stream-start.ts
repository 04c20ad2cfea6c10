import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Outbox } from '../outbox/outbox.ts';
import type { ReplicaPosition } from '../replica/replica.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { CommitQueue } from './commit-queue.ts';

export interface StreamStartOptions {
  readonly runtime: Pick<Runtime, 'monotonicMs'>;
  readonly outbox: Pick<Outbox, 'hasUnanswered'>;
  readonly siblings: Pick<SiblingMutations, 'count'>;
  readonly queue: Pick<CommitQueue, 'begin'>;
  /** False: there is no session. */
  send(message: ClientMessageInput): boolean;
}

/**
 * How a session comes from a snapshot into the stream: of an image the room is told that it is here (`follow`), and results of mutations that the snapshot may hold come before
 * the answer to a ping.
 */
export class StreamStart {
  readonly #options: StreamStartOptions;
  /** The session waits for `follow`. */
  #owesFollow = false;
  /** `at` of the ping whose answer comes behind the results of the snapshot's version; null: nothing to wait for. */
  #awaitedPong: number | null = null;

  constructor(options: StreamStartOptions) {
    this.#options = options;
  }

  /** Results that the snapshot holds may be on their way. */
  get isAwaited(): boolean {
    return this.#awaitedPong !== null;
  }

  /** A snapshot was promised; nothing of one before comes any more. */
  expect(isImage: boolean): void {
    this.#owesFollow = isImage;
    this.#awaitedPong = null;
  }

  /** An image is here. */
  imageCame(position: ReplicaPosition): void {
    if (!this.#owesFollow) return;
    this.#owesFollow = false;
    const { historyId, version, hash } = position;
    if (this.#options.send({ type: 'follow', historyId, version, hash })) this.from(position);
  }

  /** The session streams from there. */
  from(position: ReplicaPosition): void {
    const { queue, outbox, siblings, runtime, send } = this.#options;
    queue.begin(position);
    if (!outbox.hasUnanswered && siblings.count === 0) return;
    const at = runtime.monotonicMs();
    if (send({ type: 'ping', at })) this.#awaitedPong = at;
  }

  /** @returns whether it was the one that was waited for */
  pong(at: number | undefined): boolean {
    if (at === undefined || at !== this.#awaitedPong) return false;
    this.#awaitedPong = null;
    return true;
  }
}
