import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { PushedMutation } from '@alcove/core/protocol/client-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { CounterOwner } from '../ephemeral/counter-rows.ts';
import { keyClientId } from './client-rows.ts';
import type { Batch } from './group-commit.ts';
import type { RoomLimits } from './room-options.ts';
import type { Session } from './sessions.ts';
import type { MutationWork, Outcome, Work } from './work.ts';

/**
 * What waits for the next flush, in order of arrival and within bounds. Only mutations of live sessions are bounded a session; the server's own calls
 * share the room's bound.
 */
export class Admission {
  readonly #runtime: Runtime;
  readonly #limits: RoomLimits;
  #works: Work[] = [];
  #bytes = 0;
  readonly #heard = new Map<string, { upTo: number; owner: CounterOwner }>();
  readonly #byes = new Map<string, CounterOwner>();
  readonly #valueIds = new Set<string>();

  constructor(runtime: Runtime, limits: RoomLimits) {
    this.#runtime = runtime;
    this.#limits = limits;
  }

  /** Works that wait. */
  get size(): number {
    return this.#works.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a flush would have something to do that cannot wait. */
  get wantsFlush(): boolean {
    return this.#works.length > 0 || this.#byes.size > 0 || this.#valueIds.size > 0;
  }

  /** Admits a mutation, or says why not. `bytes`: its part of the frame it came in. */
  push(session: Session, pushed: PushedMutation, bytes: number, forgotten: boolean): Outcome | null {
    const { clientId, mutationId, name, args } = pushed;
    const seed = pushed.seed ?? this.#runtime.newId();
    const mutation: Mutation = { clientId, mutationId, name, args: args ?? null, seed, nowMs: pushed.nowMs ?? this.#runtime.nowMs() };
    const owner = { clientId, groupId: session.groupId, subject: session.subject };
    const work: MutationWork = { kind: 'mutation', pusher: session, owner, mutation, bytes, forgotten };
    const error = this.#overload(bytes) ?? this.#sessionOverload(session);
    if (error !== null) return { work, result: 'refused', expected: mutationId, error };
    session.queued += 1;
    this.#add(work, bytes);
    return null;
  }

  /** Takes back what a session pushed and nobody ran yet: it has no right to it any more. The client sends it again once it has. */
  withdraw(session: Session): void {
    const isWithdrawn = (work: Work): boolean => work.kind === 'mutation' && work.pusher === session;
    for (const work of this.#works) if (isWithdrawn(work)) this.#left(work, -1);
    this.#works = this.#works.filter((work) => !isWithdrawn(work));
  }

  /** The server's own work. @throws AlcoveError `overloaded` */
  add(work: Exclude<Work, MutationWork>): void {
    const error = this.#overload(0);
    if (error !== null) throw error;
    this.#add(work, 0);
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

  /** Takes what one transaction may hold. What a bye has to wait for and what is not taken stays. */
  take(dueValueIds: readonly string[]): Batch {
    const works = this.#works.slice(0, this.#limits.commitMutationsMax);
    this.#works = this.#works.slice(works.length);
    for (const work of works) this.#left(work, -1);
    const isWhole = this.#works.length === 0;
    const batch: Batch = {
      works,
      valueIds: [...new Set([...this.#valueIds, ...dueValueIds])],
      heard: new Map(this.#heard),
      byes: isWhole ? new Map(this.#byes) : new Map(),
    };
    this.#valueIds.clear();
    this.#heard.clear();
    if (isWhole) this.#byes.clear();
    return batch;
  }

  /** Puts back what a flush did not come to, in front, and the byes that wait for it. */
  giveBack(works: readonly Work[], byes: ReadonlyMap<string, CounterOwner>): void {
    if (works.length === 0) return;
    this.#works = [...works, ...this.#works];
    for (const work of works) this.#left(work, 1);
    for (const owner of byes.values()) this.#byes.set(owner.clientId, owner);
  }

  /** Clients of which a mutation waits. */
  owners(): CounterOwner[] {
    return this.#works.flatMap((work) => (work.kind === 'mutation' ? [work.owner] : []));
  }

  /** Idempotency keys under which a call waits, as the clients they are kept as. */
  keyClientIds(): Set<string> {
    return new Set(
      this.#works.flatMap((work) => (work.kind === 'call' && work.idempotencyKey !== null ? [keyClientId(work.idempotencyKey)] : [])),
    );
  }

  /** Everything that waits, taken out: the room is closing. */
  drop(): readonly Work[] {
    const works = this.#works;
    for (const work of works) this.#left(work, -1);
    this.#works = [];
    return works;
  }

  #add(work: Work, bytes: number): void {
    this.#works.push(work);
    this.#bytes += bytes;
  }

  #left(work: Work, sign: 1 | -1): void {
    if (work.kind !== 'mutation') return;
    this.#bytes += sign * work.bytes;
    work.pusher.queued += sign;
  }

  #overload(bytes: number): AlcoveError | null {
    const { queuedMutationsMax, queuedBytesMax, retryAfterMs } = this.#limits;
    if (this.#works.length < queuedMutationsMax && this.#bytes + bytes <= queuedBytesMax) return null;
    return new AlcoveError('overloaded', `${this.#works.length} mutations with ${this.#bytes} bytes wait already`, { retryAfterMs });
  }

  #sessionOverload(session: Session): AlcoveError | null {
    const { sessionQueuedMutationsMax, retryAfterMs } = this.#limits;
    if (session.queued < sessionQueuedMutationsMax) return null;
    return new AlcoveError('rate_limited', `${session.queued} mutations of this session wait already`, { retryAfterMs });
  }
}
