import type { ErrorBody } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { MutationResult } from '@alcove/core/protocol/server-message';

/**
 * Name under which an id is used up without an effect: its own mutation threw before it was enqueued, or was never handed over, and a later one is there.
 * No room has a mutator of this name, so each room refuses it and goes on to the next id.
 */
export const VOID_MUTATOR = '$void';

/** A mutation whose fate is not told yet. */
export interface PendingMutation {
  readonly mutation: Mutation;
  /** Of it as JSON in UTF-8. */
  readonly bytes: number;
  /** Rises with every enqueued mutation, whosever it is. */
  readonly order: number;
  /** What the room said of it; it settles when the replica reaches `result.version`. */
  result: MutationResult | null;
  /** Set where it can never be pushed: a void goes in its place, and this is what is told. */
  refusal: ErrorBody | null;
}

/** Mutations `from` … `upTo` of a client were sent to the room in vain. */
export interface Attempt {
  readonly clientId: string;
  readonly from: number;
  readonly upTo: number;
  /** What the room said when it did not take them for now; null: the connection was lost before it said anything. */
  readonly error: ErrorBody | null;
}

/** It can never be pushed. */
export function refuse(entry: PendingMutation, bytesMax: number): void {
  entry.refusal ??= { code: 'message_too_large', message: `${entry.mutation.name} has ${entry.bytes} bytes; the room takes ${bytesMax}` };
}

/** What to tell of one that settled; null: it was applied. */
export function errorOf(entry: PendingMutation): ErrorBody | null {
  if (entry.result?.status !== 'rejected') return null;
  if (entry.refusal !== null) return entry.refusal;
  return { code: entry.result.code ?? 'internal', message: entry.result.message ?? 'the room rejected it without a reason' };
}

/** False for what fills a gap: nobody waits for it. */
export const isReal = (entry: PendingMutation): boolean => entry.mutation.name !== VOID_MUTATOR;

/** What a client did before it was handed over. */
export interface ClientHistory {
  readonly clientId: string;
  readonly confirmed: number;
  readonly welcomed: number | null;
}

/** One client's mutations, in order: `pending[i].mutation.mutationId` is `confirmed + 1 + i`. */
export class OutboxClient {
  readonly clientId: string;
  /** Highest mutationId ever enqueued. */
  lastMutationId: number;
  /** Highest mutationId settled. */
  confirmed: number;
  /** Highest mutationId of which the page is known to have been told. */
  heard: number;
  /** Version of the first welcome this client had; null: none yet. */
  welcomed: number | null;
  readonly pending: PendingMutation[] = [];
  /** Highest mutationId the room need not be sent: pushed on this connection, or known to it. */
  sent: number;
  /** The room takes nothing more from it. */
  stopped: ErrorBody | null = null;
  /** That was told, with all that was pending then: no word of the room about those counts any more. */
  isStopTold = false;
  /** Nothing is pushed before; monotonic time. */
  pausedUntilMs = Number.NEGATIVE_INFINITY;
  /** Refusals in a row that came without progress. */
  refusals = 0;
  /** A rejection settled that the room was not told we heard. */
  owesHeard = false;
  /** A rejection settled once: after a reconnect it is said again, the word may have been lost. */
  hasRejections = false;
  /** Of the newest rejection that settled and that somebody is to be told of. */
  #rejected = 0;

  constructor(client: ClientHistory) {
    this.clientId = client.clientId;
    this.lastMutationId = client.confirmed;
    this.confirmed = client.confirmed;
    this.heard = client.confirmed;
    this.welcomed = client.welcomed;
    this.sent = client.confirmed;
  }

  /** Nothing is pending, and the room knows that all was heard. */
  get isDone(): boolean {
    return this.pending.length === 0 && !this.owesHeard && this.heardUpTo === this.confirmed;
  }

  /** The room has said what became of the next one to settle. */
  get isAnswered(): boolean {
    return (this.pending[0]?.result ?? null) !== null;
  }

  /** Answers count for nothing (any more). */
  voidResults(): void {
    for (const entry of this.pending) entry.result = null;
  }

  at(mutationId: number): PendingMutation | undefined {
    return this.pending[mutationId - this.confirmed - 1];
  }

  /** In order; the caller has filled gaps. */
  add(entry: PendingMutation): void {
    this.pending.push(entry);
    this.lastMutationId = entry.mutation.mutationId;
  }

  /** What is pending, under another name and ids from 1 on, as nobody has answered it. */
  renamed(clientId: string, welcomed: number): OutboxClient {
    const next = new OutboxClient({ clientId, confirmed: 0, welcomed });
    for (const entry of this.pending) {
      const mutation = { ...entry.mutation, clientId, mutationId: entry.mutation.mutationId - this.confirmed };
      next.add({ ...entry, mutation, result: null });
    }
    return next;
  }

  /** Takes one result; what was already known of a mutation stays. */
  take(result: MutationResult): void {
    if (this.isStopTold) return;
    if (result.status === 'duplicate') {
      for (const entry of this.pending) {
        if (entry.mutation.mutationId > result.mutationId) break;
        entry.result ??= { ...result, mutationId: entry.mutation.mutationId };
      }
    } else {
      const entry = this.at(result.mutationId);
      if (entry !== undefined) entry.result ??= result;
      // Told before, perhaps by a worker that is gone: the room keeps it, so it did not hear that we heard.
      else if (result.status === 'rejected' && result.mutationId <= this.confirmed) {
        this.owesHeard = true;
        this.hasRejections = true;
      }
    }
    // One before it that was refused is sent again although the room must know it: only so is its answer heard.
    while (this.sent < result.mutationId && (this.at(this.sent + 1)?.result ?? null) !== null) this.sent += 1;
    this.refusals = 0;
  }

  /** How many of those that were sent have no answer yet: the last ones. */
  get unanswered(): number {
    let id = this.sent;
    while (id > this.confirmed && this.at(id)?.result === null) id -= 1;
    return this.sent - id;
  }

  /** What was sent from `expected` on, has no answer and gets none; null: nothing. */
  inVain(expected: number, error: ErrorBody | null): Attempt | null {
    const { clientId, sent: upTo } = this;
    const from = Math.max(expected, upTo - this.unanswered + 1);
    return from > upTo ? null : { clientId, from, upTo, error };
  }

  /** The room took nothing from `expected` on. What it has answered since it said so is not sent again. */
  goBackTo(expected: number): void {
    this.sent = Math.max(Math.min(this.sent, expected - 1), this.sent - this.unanswered);
  }

  /** Removes and gives what has settled, from the front, at a confirmed version. */
  settle(confirmedVersion: number): PendingMutation[] {
    let count = 0;
    for (const entry of this.pending) {
      if (entry.result === null || entry.result.version > confirmedVersion) break;
      count += 1;
    }
    const settled = this.pending.splice(0, count);
    this.confirmed += count;
    // What settles after the connection was lost need not be sent on the next one.
    this.sent = Math.max(this.sent, this.confirmed);
    const rejected = settled.filter((entry) => entry.result?.status === 'rejected');
    this.#rejected = rejected.findLast(isReal)?.mutation.mutationId ?? this.#rejected;
    if (rejected.length > 0) {
      this.owesHeard = true;
      this.hasRejections = true;
    }
    return settled;
  }

  /** The page knows that it was rejected, and may be gone before anybody else does: the room is to keep that until then. */
  unheard(mutationId: number): void {
    this.#rejected = Math.max(this.#rejected, mutationId);
    this.heard = Math.min(this.heard, mutationId - 1);
    this.owesHeard = true;
    this.hasRejections = true;
  }

  /** Up to where the room can be told that all was heard: not past a rejection that may be lost with this worker. */
  get heardUpTo(): number {
    return this.heard >= this.#rejected ? this.confirmed : this.heard;
  }
}
