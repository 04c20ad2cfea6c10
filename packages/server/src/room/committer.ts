import { AlcoveError } from '@alcove/core/error';
import type { MutationResult } from '@alcove/core/protocol/server-message';
import type { Admission } from './admission.ts';
import type { Rejection } from './client-rows.ts';
import type { Connections, RoomStep } from './connections.ts';
import type { Batch, Committed } from './group-commit.ts';
import { commitGroup } from './group-commit.ts';
import type { RoomParts } from './room-parts.ts';
import type { Schedule } from './schedule.ts';
import type { Answer, MutationWork, Outcome } from './work.ts';

/** Versions written and not yet durable past which nothing more is committed: what waits at the gate is bounded by it. */
export const UNDURABLE_VERSIONS_MAX = 256;

export interface CommitSurroundings {
  readonly parts: RoomParts;
  readonly connections: Connections;
  readonly admission: Admission;
  readonly schedule: Schedule<RoomStep>;
  requestFlush(): void;
  fail(error: AlcoveError): void;
}

/** Turns what was admitted into versions, and lets out what may be told of them once they are durable. */
export class Committer {
  readonly #around: CommitSurroundings;
  /** Server calls that ran and wait for their version to be durable. */
  readonly #unanswered = new Set<Answer>();

  constructor(around: CommitSurroundings) {
    this.#around = around;
  }

  /** One transaction, or one a mutation where that one does not stand. Values that are due later ask for their flush again, whatever came of this one. */
  flush(): void {
    const { parts, admission, schedule, requestFlush } = this.#around;
    const nowMs = parts.runtime.monotonicMs();
    if (parts.log.head.version - parts.gate.durable >= UNDURABLE_VERSIONS_MAX) {
      // Mutations ask again by themselves once something is durable.
      if (parts.values.unwritten > 0) schedule.want('flush', nowMs + parts.limits.retryAfterMs);
      return;
    }
    const batch = admission.take(parts.values.due(nowMs));
    if (batch.works.length + batch.valueIds.length + batch.heard.size + batch.byes.size > 0 && !this.#commit(batch, nowMs)) return;
    if (admission.wantsFlush) requestFlush();
    const dueMs = parts.values.nextDueMs;
    if (dueMs !== null) schedule.want('flush', dueMs);
  }

  /** @returns whether the room goes on. */
  #commit(batch: Batch, nowMs: number): boolean {
    const { parts, admission, fail } = this.#around;
    for (const work of batch.works) if (work.kind !== 'mutation') this.#unanswered.add(work.answer);
    try {
      const { committed, left, unwrittenIds } = commitGroup(parts, batch);
      admission.giveBack(left, batch.byes);
      parts.values.postpone(unwrittenIds, nowMs + parts.limits.retryAfterMs);
      // What one commit does not hold goes into the next.
      if (unwrittenIds.length === 0) admission.flushValues(batch.valueIds.filter((id) => parts.values.isUnwritten(id)));
      for (const one of committed) this.#handOver(one);
      return true;
    } catch (error) {
      fail(AlcoveError.from(error, 'room_failed'));
      return false;
    }
  }

  /** The room cannot go on: what ran may or may not be on disk. */
  abandon(cause: AlcoveError): void {
    for (const answer of this.#unanswered) {
      answer.reject(
        new AlcoveError('unknown_outcome', `the room failed before the commit was known to be durable: ${cause.message}`, { cause }),
      );
    }
    this.#unanswered.clear();
  }

  #handOver(committed: Committed): void {
    const { parts, connections } = this.#around;
    if (committed.made !== null) parts.work.did('commits');
    parts.work.did('mutations', committed.outcomes.filter(({ result }) => result === 'applied').length);
    if (committed.made !== null) connections.feeds.rows.observe(committed.made.changeSet);
    parts.gate.after(parts.log.head.version, () => this.#letOut(committed));
  }

  /** Durable now. What only its sender needs to know first, then results and the commit to everybody, then effects. */
  #letOut({ made, outcomes, afterCommit, values }: Committed): void {
    const { parts, connections } = this.#around;
    // Before anybody is told: of what a process that dies in the middle of that has told, the head has to know.
    if (made !== null) parts.ports.storeHead({ historyId: parts.historyId, version: made.version, hash: made.hash });
    this.#tellSenders(outcomes);
    if (made !== null) connections.publish(made);
    if (values !== null) {
      parts.values.told(values);
      connections.ephemeral.changed();
    }
    this.#answer(outcomes);
    for (const effect of afterCommit) this.#runEffect(effect);
  }

  /** What concerns no version of now: repeated mutations, refused ones. */
  #tellSenders(outcomes: readonly Outcome[]): void {
    const repeated = new Map<string, MutationResult[]>();
    for (const outcome of outcomes) {
      const { work } = outcome;
      if (outcome.result === 'rejected' && !outcome.again) this.#around.parts.meter.saw(outcome.error);
      if (work.kind !== 'mutation') continue;
      if (outcome.result === 'refused') this.refuse(outcome);
      const results = repeated.get(work.pusher.connectionId) ?? [];
      results.push(...this.#repeatedResults(work, outcome));
      if (results.length > 0) repeated.set(work.pusher.connectionId, results);
    }
    for (const [connectionId, results] of repeated) this.#around.connections.tell(connectionId, results);
  }

  /** `duplicate` settles all that came before it and has no result; rejections among that, perhaps not told on this connection yet, go first. */
  #repeatedResults({ mutation }: MutationWork, outcome: Outcome): MutationResult[] {
    const { clientId, mutationId } = mutation;
    if (outcome.result === 'duplicate') {
      const { version } = outcome;
      const before = this.#around.parts.clients.rejections(clientId).filter((rejection) => rejection.mutationId < mutationId);
      return [...before.map((rejection) => rejected(clientId, rejection)), { clientId, mutationId, status: 'duplicate', version }];
    }
    if (outcome.result !== 'rejected' || !outcome.again) return [];
    const { code, message } = outcome.error;
    return [rejected(clientId, { mutationId, version: outcome.version, code, message })];
  }

  /** Tells the pusher that a mutation was not taken. */
  refuse(outcome: Outcome): void {
    const { work } = outcome;
    if (outcome.result !== 'refused' || work.kind !== 'mutation') return;
    const session = this.#around.connections.sessions.get(work.pusher.connectionId);
    if (session === undefined) return;
    this.#around.parts.meter.saw(outcome.error);
    const { clientId, mutationId } = work.mutation;
    const { code, message, retryable } = outcome.error;
    const retryAfterMs = outcome.error.retryAfterMs ?? this.#around.parts.limits.retryAfterMs;
    const again = retryable && code !== 'out_of_order' ? { retryAfterMs } : {};
    this.#around.connections.send(session, { type: 'refused', clientId, mutationId, expected: outcome.expected, code, message, ...again });
  }

  #answer(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      const { work } = outcome;
      if (work.kind === 'mutation') continue;
      this.#unanswered.delete(work.answer);
      if (outcome.result === 'applied' || outcome.result === 'duplicate') work.answer.resolve({ version: outcome.version });
      else work.answer.reject(outcome.error);
    }
  }

  #runEffect(effect: () => void | Promise<void>): void {
    const { runtime, id } = this.#around.parts;
    const failed = (error: unknown): void =>
      runtime.log.error('an effect after a commit failed', { room: id, message: error instanceof Error ? error.message : String(error) });
    try {
      effect()?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

const rejected = (clientId: string, rejection: Rejection): MutationResult => ({ clientId, status: 'rejected', ...rejection });
