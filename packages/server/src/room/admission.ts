import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { PushedMutation } from '@alcove/core/protocol/client-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { CounterOwner } from '../ephemeral/counter-rows.ts';
import { keyClientId } from './client-rows.ts';
import type { Place } from './fair-queue.ts';
import { FairQueue } from './fair-queue.ts';
import type { Batch } from './group-commit.ts';
import { MutationRates, userKeyOf } from './mutation-rates.ts';
import type { RoomLimits } from './room-options.ts';
import type { RoomParts } from './room-parts.ts';
import type { Session } from './sessions.ts';
import type { MutationWork, Outcome, Work } from './work.ts';

/** The server's own calls have turns as one user has. */
const SERVER: Place = { user: '$server', session: '$server' };

const placeOf = (work: Work): Place =>
  work.kind === 'mutation' ? { user: userKeyOf(work.owner), session: work.pusher.connectionId } : SERVER;

/**
 * What waits for the next flush: each session's in order of arrival, users and sessions by turns, within bounds. Only mutations of live sessions are bounded
 * a session and a user; the server's own calls share the room's bound.
 */
export class Admission {
  readonly #runtime: Runtime;
  readonly #limits: RoomLimits;
  readonly rates: MutationRates;
  readonly #queue = new FairQueue<Work>(placeOf);
  #bytes = 0;
  readonly #userBytes = new Map<string, number>();
  /** Mutations of each client that wait. */
  readonly #waiting = new Map<string, number>();
  readonly #heard = new Map<string, { upTo: number; owner: CounterOwner }>();
  readonly #byes = new Map<string, CounterOwner>();
  readonly #valueIds = new Set<string>();

  constructor({ runtime, limits, userRates }: Pick<RoomParts, 'runtime' | 'limits' | 'userRates'>) {
    this.#runtime = runtime;
    this.#limits = limits;
    this.rates = new MutationRates(limits, userRates);
  }

  /** Works that wait. */
  get size(): number {
    return this.#queue.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a flush would have something to do that cannot wait. */
  get wantsFlush(): boolean {
    return this.#queue.size > 0 || this.#byes.size > 0 || this.#valueIds.size > 0;
  }

  /** The outcome of a mutation that is not admitted for `error`. */
  refused(session: Session, pushed: PushedMutation, error: AlcoveError): Outcome {
    return { work: this.#workOf(session, pushed, 0, false), result: 'refused', expected: pushed.mutationId, error };
  }

  /** Admits a mutation, or says why not. `bytes`: its part of the frame it came in. */
  push(session: Session, pushed: PushedMutation, bytes: number, forgotten: boolean): Outcome | null {
    const error = this.#overload(bytes) ?? this.#sessionOverload(session) ?? this.#userOverload(session, bytes);
    if (error !== null) return this.refused(session, pushed, error);
    this.#add(this.#workOf(session, pushed, bytes, forgotten));
    return null;
  }

  #workOf(session: Session, pushed: PushedMutation, bytes: number, forgotten: boolean): MutationWork {
    const { clientId, mutationId, name, args } = pushed;
    const seed = pushed.seed ?? this.#runtime.newId();
    const mutation: Mutation = { clientId, mutationId, name, args: args ?? null, seed, nowMs: pushed.nowMs ?? this.#runtime.nowMs() };
    const owner = { clientId, groupId: session.groupId, subject: session.subject };
    return { kind: 'mutation', pusher: session, owner, mutation, bytes, forgotten };
  }

  /** Takes back what a session pushed and nobody ran yet: it has no right to it any more. The client sends it again once it has. */
  withdraw(session: Session): void {
    for (const work of this.#queue.remove({ user: userKeyOf(session), session: session.connectionId })) this.#left(work, -1);
  }

  /** The server's own work. @throws AlcoveError `overloaded` */
  add(work: Exclude<Work, MutationWork>): void {
    const error = this.#overload(0);
    if (error !== null) throw error;
    this.#add(work);
  }

  heard(upTo: number, owner: CounterOwner): void {
    this.#heard.set(owner.clientId, { upTo: Math.max(upTo, this.#heard.get(owner.clientId)?.upTo ?? 0), owner });
  }

  /** Once everything of the client that was pushed before has run. */
  bye(owner: CounterOwner): void {
    this.#byes.set(owner.clientId, owner);
  }

  /** Writes these values with the next flush, due or not. */
  flushValues(ids: Iterable<string>): void {
    for (const id of ids) this.#valueIds.add(id);
  }

  /** Takes what one transaction may hold, by turns. What a bye has to wait for and what is not taken stays. */
  take(dueValueIds: readonly string[]): Batch {
    const { commitMutationsMax, commitShareMutations, commitTimeBudgetMs, commitShareTimeBudgetMs } = this.#limits;
    const nowMs = this.#runtime.monotonicMs();
    const { items, isLopsided } = this.#queue.take({ max: commitMutationsMax, shareMin: commitShareMutations, nowMs });
    for (const work of items) this.#left(work, -1);
    // Whose token ran out while it was here was ended; of one whose connection was lost before that it is gone now, and comes again with a fresh one.
    const works = items.filter((work) => work.kind !== 'mutation' || nowMs < (work.pusher.accessUntilMs ?? Number.POSITIVE_INFINITY));
    const byes = new Map([...this.#byes].filter(([clientId]) => !this.#waiting.has(clientId)));
    const batch: Batch = {
      works,
      valueIds: [...new Set([...this.#valueIds, ...dueValueIds])],
      heard: new Map(this.#heard),
      byes,
      timeBudgetMs: isLopsided ? Math.min(commitShareTimeBudgetMs, commitTimeBudgetMs) : commitTimeBudgetMs,
    };
    this.#valueIds.clear();
    this.#heard.clear();
    for (const clientId of byes.keys()) this.#byes.delete(clientId);
    return batch;
  }

  /** Puts back what a flush did not come to, in front, and the byes that wait for it. */
  giveBack(works: readonly Work[], byes: ReadonlyMap<string, CounterOwner>): void {
    if (works.length === 0) return;
    this.#queue.giveBack(works);
    for (const work of works) this.#left(work, 1);
    for (const owner of byes.values()) this.#byes.set(owner.clientId, owner);
  }

  /** Clients of which a mutation waits. */
  owners(): CounterOwner[] {
    return [...this.#queue].flatMap((work) => (work.kind === 'mutation' ? [work.owner] : []));
  }

  /** Idempotency keys under which a call waits, as the clients they are kept as. */
  keyClientIds(): Set<string> {
    return new Set(
      [...this.#queue].flatMap((work) => (work.kind === 'call' && work.idempotencyKey !== null ? [keyClientId(work.idempotencyKey)] : [])),
    );
  }

  /** Everything that waits, taken out: the room is closing. */
  drop(): readonly Work[] {
    const works = this.#queue.removeAll();
    for (const work of works) this.#left(work, -1);
    return works;
  }

  #add(work: Work): void {
    this.#queue.add(work, this.#runtime.monotonicMs());
    this.#left(work, 1);
  }

  #left(work: Work, sign: 1 | -1): void {
    if (work.kind !== 'mutation') return;
    this.#bytes += sign * work.bytes;
    work.pusher.queued += sign;
    addTo(this.#userBytes, userKeyOf(work.owner), sign * work.bytes);
    addTo(this.#waiting, work.owner.clientId, sign);
  }

  #overload(bytes: number): AlcoveError | null {
    const { queuedMutationsMax, queuedBytesMax, retryAfterMs } = this.#limits;
    const isFull = this.#queue.size >= queuedMutationsMax;
    if (!isFull && this.#bytes + bytes <= queuedBytesMax) return null;
    const limit = isFull ? 'queuedMutationsMax' : 'queuedBytesMax';
    return new AlcoveError('overloaded', `${this.#queue.size} mutations with ${this.#bytes} bytes wait already`, { retryAfterMs, limit });
  }

  #sessionOverload(session: Session): AlcoveError | null {
    const { sessionQueuedMutationsMax, retryAfterMs } = this.#limits;
    if (session.queued < sessionQueuedMutationsMax) return null;
    const limit = 'sessionQueuedMutationsMax';
    return new AlcoveError('rate_limited', `${session.queued} mutations of this session wait already`, { retryAfterMs, limit });
  }

  #userOverload(session: Session, bytes: number): AlcoveError | null {
    const { userQueuedMutationsMax, userQueuedBytesMax, retryAfterMs } = this.#limits;
    const user = userKeyOf(session);
    const count = this.#queue.sizeOf(user);
    const waiting = this.#userBytes.get(user) ?? 0;
    const isFull = count >= userQueuedMutationsMax;
    // One mutation alone always fits, however large the messages may be.
    if (!isFull && (count === 0 || waiting + bytes <= userQueuedBytesMax)) return null;
    const limit = isFull ? 'userQueuedMutationsMax' : 'userQueuedBytesMax';
    return new AlcoveError('rate_limited', `${count} mutations of this user with ${waiting} bytes wait already`, { retryAfterMs, limit });
  }
}

function addTo(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
