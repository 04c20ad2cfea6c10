import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { type AnsweredRoom, AnsweredRooms, roomKey } from './answered-rooms.ts';
import { afterRead, type Breaker, breakerAt, type BreakerNews, mayProbe, opened, probing } from './breaker.ts';
import type { WrongRoom } from './compare-room.ts';
import { isSlow } from './eject-slow.ts';
import { failureOf } from './failure-of.ts';
import { reaches } from './known-versions.ts';
import { LargeRooms } from './large-rooms.ts';
import { LatencyWindow } from './latency-window.ts';
import { ReadPlaces } from './read-places.ts';
import type { EndSignal, ReadAnswer, ReadRequest, Replica } from './replica.ts';
import {
  breakerOf,
  initialState,
  type LastError,
  opennessOf,
  placesOf,
  type ReplicaSettings,
  type ReplicaState,
  withBreaker,
} from './replica-state.ts';
import { RoomUnavailable } from './room-unavailable.ts';
import { CodeCounts } from './router-counts.ts';
import type { RouterSettings } from './router-options.ts';
import { runBounded, SILENCE } from './run-bounded.ts';
import { UncomparedRooms } from './uncompared-rooms.ts';

export interface WatchedReplicaParts {
  readonly runtime: Runtime;
  readonly settings: RouterSettings;
  /** Is told the name of each limit that a read met. */
  readonly met: (limit: string) => void;
  /** From when on a read of it counts as slow, beside the other replicas; null: they do not tell. */
  readonly slowFromMs: (id: string) => number | null;
  /** Whether it may be taken out for being slow: enough others stay. */
  readonly mayEject: (id: string) => boolean;
}

/** A read that was let in. What it finds out counts for the breakers it tries. */
export interface Ticket {
  readonly operationClass: string;
  readonly startedMs: number;
  readonly probesBreaker: boolean;
  readonly probesPace: boolean;
}

/** One replica, what is known of it, and its places. */
export class WatchedReplica {
  readonly id: string;
  readonly replica: Replica;
  readonly places: ReadPlaces;
  readonly latency = new LatencyWindow();
  /** Of its own. */
  readonly errors = new CodeCounts();
  /** Of what it was asked: any other one would have said the same. */
  readonly statementErrors = new CodeCounts();
  /** Reads that went elsewhere without anything being held against it. */
  passedOn = 0;
  state: ReplicaState;
  answered = 0;
  ejections = 0;
  /** Answers that were older than asked for, or of another history. */
  older = 0;
  /** What it has answered and nobody has compared since. */
  readonly answeredRooms = new AnsweredRooms();
  /** By room, what it was found to hold wrong and was not found to hold right since. */
  readonly wrong = new Map<string, WrongRoom>();
  /** Of what it has answered, those that are compared in turns of their own. */
  readonly large: LargeRooms;
  /** What could not be compared. */
  readonly uncompared: UncomparedRooms;
  /** Comparisons of a room with the primary, by what they found, and rooms it was told to take anew. */
  readonly compared = { same: 0, unsure: 0, late: 0, wrong: 0, resyncs: 0 };
  /** Monotonic: when it last answered anything. */
  answeredMs = Number.NEGATIVE_INFINITY;
  readonly #parts: WatchedReplicaParts;
  /** When it last answered, or got the first read after it had none. */
  #heardMs = 0;
  /** What was slow when it was taken out: later the others may have had no reads to compare with. */
  #wasSlowFromMs: number | null = null;

  constructor(replica: Replica, settings: ReplicaSettings, parts: WatchedReplicaParts) {
    this.id = settings.id;
    this.replica = replica;
    this.state = initialState(settings);
    this.#parts = parts;
    const { queueMax, retryAfterMs } = parts.settings.limits;
    this.uncompared = new UncomparedRooms(parts.runtime);
    this.large = new LargeRooms(parts.runtime, parts.settings.limits);
    this.places = new ReadPlaces(settings.id, parts.runtime, { queueMax, retryAfterMs }, () =>
      placesOf(this.state, parts.runtime.monotonicMs(), parts.settings.breaker),
    );
  }

  /** What is known just now. */
  facts(): ReplicaState {
    const silentMs = this.places.taken === 0 ? 0 : this.#parts.runtime.monotonicMs() - this.#heardMs;
    return { ...this.state, inFlight: this.places.taken, queued: this.places.queued, silentMs, ewmaMs: this.latency.ewmaMs };
  }

  /**
   * Lets a read in that has a place. A read that was chosen to try the replica out is let in if no other does so meanwhile.
   * @returns null: it has to look elsewhere.
   */
  admit(operationClass: string, asProbe: boolean): Ticket | null {
    const nowMs = this.#parts.runtime.monotonicMs();
    const { breaker } = this.#parts.settings;
    const { isBreakerShut, probe } = opennessOf(this.state, operationClass, nowMs, breaker);
    const isOut = !this.state.enabled || this.state.draining || this.state.isDown || this.state.isWrong;
    if (isOut || ((asProbe || isBreakerShut) && !probe)) return null;
    const probesBreaker = mayProbe(breakerAt(breakerOf(this.state, operationClass), nowMs, breaker));
    const probesPace = mayProbe(breakerAt(this.state.pace, nowMs, breaker));
    if (this.places.taken === 1) this.#heardMs = nowMs;
    if (probesBreaker) this.state = withBreaker(this.state, operationClass, probing());
    if (probesPace) this.state = { ...this.state, pace: probing() };
    return { operationClass, startedMs: nowMs, probesBreaker, probesPace };
  }

  /**
   * Asks it, for `limitMs` at most, and gives the place back when what runs has ended.
   * @param isWhole Whether `limitMs` is as long as a replica may take: only then is silence held against it.
   * @throws AlcoveError (as rejection) as Replica.read does; an answer that is older than asked for is `replica_unavailable`.
   */
  async ask(ticket: Ticket, request: ReadRequest, limitMs: number, isWhole: boolean, signal: EndSignal): Promise<ReadAnswer> {
    const { runtime } = this.#parts;
    const name = `replica ${this.id}`;
    try {
      const answer = await runBounded(
        runtime,
        name,
        (end) => this.replica.read(request, end),
        limitMs,
        signal,
        () => this.places.leave(request.user),
      );
      if (request.atLeast !== null && !reaches(answer.at, request.atLeast)) this.#refuseOlder(request, answer);
      if (request.historyId !== undefined && answer.at.historyId !== request.historyId)
        throw new RoomUnavailable(`${this.id} holds another history of the room`);
      if (this.state.isWrong) throw new RoomUnavailable(`${this.id} holds wrong rows: what it had begun is not taken`);
      this.answered += 1;
      if (!this.state.settings.isPrimary && !this.large.answered(request.room)) this.answeredRooms.add(request.room);
      this.#settle(ticket, 'good', runtime.monotonicMs() - ticket.startedMs);
      return answer;
    } catch (cause) {
      const error = this.#failed(cause, signal);
      const isBad = error.code === 'replica_unavailable' || error.code === 'internal';
      const tookMs = error.code === 'query_timeout' ? runtime.monotonicMs() - ticket.startedMs : null;
      this.#settle(ticket, tellsNothing(error, isWhole) ? 'none' : isBad ? 'bad' : 'good', tookMs);
      if (error.limit === SILENCE && isWhole && this.#heardMs <= ticket.startedMs) this.#saidNothing(error);
      throw error;
    }
  }

  /**
   * A look found the primary's readers well. That is their probe, and needs no minute to have passed: while replicas answer no read comes to them that could be one, and when those are gone
   * there is nobody else.
   */
  probedByCheck(): void {
    const { runtime, settings } = this.#parts;
    const nowMs = runtime.monotonicMs();
    for (const [operationClass, breaker] of this.state.breakers) {
      const before = breakerAt(breaker, nowMs, settings.breaker);
      if (before.state === 'open' || mayProbe(before)) this.#turn(operationClass, before, { state: 'ramping', sinceMs: nowMs });
    }
  }

  /** From now on it answers nothing. */
  foundWrong(found: WrongRoom): void {
    this.compared.wrong += 1;
    this.wrong.set(roomKey(found.room), found);
    this.uncompared.compared(found.room);
    this.state = { ...this.state, isWrong: true };
    this.places.dismiss(new AlcoveError('replica_unavailable', `${this.id} holds wrong rows`));
  }

  /** It is let in again where no other room is wrong. */
  foundRight(room: AnsweredRoom): void {
    this.compared.same += 1;
    this.wrong.delete(roomKey(room));
    this.uncompared.compared(room);
    if (!this.state.isWrong || this.wrong.size > 0) return;
    this.state = { ...this.state, isWrong: false, backSinceMs: this.#parts.runtime.monotonicMs() };
    this.places.admit();
  }

  /** Nothing was found out: it is looked at again without a read of it. */
  notCompared(room: AnsweredRoom, { kind, reason }: { readonly kind: 'unsure' | 'late'; readonly reason: string }): void {
    this.compared[kind] += 1;
    this.uncompared.failed(room, reason);
    if (kind === 'late') this.large.late(room);
    else if (this.large.has(room)) this.large.again(room);
    else if (!this.wrong.has(roomKey(room))) this.answeredRooms.add(room);
  }

  failedAs(error: AlcoveError): LastError {
    return { code: error.code, message: error.message, atMs: this.#parts.runtime.nowMs() };
  }

  /** To nobody, for as long as a read may take: nobody else is to find that out before a look has found it well. */
  #saidNothing({ code, message }: AlcoveError): void {
    if (this.state.settings.isPrimary || this.state.isDown) return;
    this.state = { ...this.state, isDown: true };
    this.#parts.runtime.log.info('a replica is down', { replica: this.id, code, message });
    this.places.dismiss(new AlcoveError('replica_unavailable', message));
  }

  #refuseOlder({ room, atLeast }: ReadRequest, { at }: ReadAnswer): never {
    this.older += 1;
    const what = at.historyId === atLeast?.historyId ? `version ${at.version} of ${room.name}/${room.id}` : 'another history';
    throw new AlcoveError('replica_unavailable', `${this.id} answered with ${what} where ${atLeast?.version ?? 0} was asked for`);
  }

  #failed(cause: unknown, signal: EndSignal): AlcoveError {
    let error = AlcoveError.from(cause);
    // Nobody here has ended it: the replica itself was closed.
    if (error.code === 'closed' && !signal.aborted) error = new AlcoveError('replica_unavailable', `${this.id} was closed`, { cause });
    if (error.code === 'closed') return error;
    if (error.limit === SILENCE) this.#parts.met(SILENCE);
    this.#countFailure(error);
    return error;
  }

  #countFailure(error: AlcoveError): void {
    const whose = failureOf(error);
    switch (whose) {
      case 'statement':
        return this.statementErrors.add(error.code);
      case 'elsewhere':
        this.passedOn += 1;
        return;
      case 'replica':
        this.errors.add(error.code);
        this.state = { ...this.state, lastError: this.failedAs(error) };
        return;
      default:
        exhaustive(whose);
    }
  }

  /** @param tookMs Null: says nothing about how fast it is. */
  #settle(ticket: Ticket, outcome: BreakerNews['outcome'], tookMs: number | null): void {
    const { runtime, settings } = this.#parts;
    const nowMs = runtime.monotonicMs();
    if (outcome === 'good') this.answeredMs = this.#heardMs = nowMs;
    if (tookMs !== null) this.latency.add(tookMs, nowMs);
    if (!settings.isBreakerOn) return;
    const { operationClass, startedMs } = ticket;
    const news = { outcome, startedMs, isProbe: ticket.probesBreaker };
    const before = breakerAt(breakerOf(this.state, operationClass), nowMs, settings.breaker);
    const breaker = afterRead(before, news, nowMs, runtime.random(), settings.breaker);
    if (breaker !== before) this.#turn(operationClass, before, breaker);
    this.#pace(ticket, outcome, tookMs, nowMs);
  }

  #turn(operationClass: string, before: Breaker, breaker: Breaker): void {
    this.state = withBreaker(this.state, operationClass, breaker);
    if (before.state === breaker.state) return;
    const fields = { replica: this.id, operationClass, from: before.state, to: breaker.state };
    this.#parts.runtime.log.info('the breaker of a replica has turned', fields);
  }

  /** Takes it out where it is much slower than the others, and lets it back in where a trial is as fast as theirs. */
  #pace(ticket: Ticket, outcome: BreakerNews['outcome'], tookMs: number | null, nowMs: number): void {
    const { runtime, settings, slowFromMs, mayEject } = this.#parts;
    if (this.state.settings.isPrimary) return;
    const isCandidate = tookMs !== null && tookMs > settings.slow.slowFloorMs;
    const fromMs = isCandidate ? (slowFromMs(this.id) ?? this.#wasSlowFromMs) : null;
    const wasSlow = tookMs !== null && fromMs !== null && tookMs > fromMs;
    const before = breakerAt(this.state.pace, nowMs, settings.breaker);
    let pace = before;
    if (before.state !== 'closed') {
      // A failure is the other breaker's business.
      const seen = outcome === 'good' && tookMs !== null ? (wasSlow ? 'bad' : 'good') : 'none';
      pace = afterRead(
        before,
        { outcome: seen, startedMs: ticket.startedMs, isProbe: ticket.probesPace },
        nowMs,
        runtime.random(),
        settings.breaker,
      );
    } else if (wasSlow && isSlow(this.latency.sorted(nowMs), fromMs) && mayEject(this.id)) {
      pace = opened(nowMs, runtime.random(), settings.breaker);
      this.ejections += 1;
      this.#wasSlowFromMs = fromMs;
      this.latency.clear();
    }
    if (pace === this.state.pace) return;
    this.state = { ...this.state, pace };
    if (pace.state !== before.state)
      runtime.log.info('the pace of a replica is watched', { replica: this.id, from: before.state, to: pace.state });
  }
}

/** Of the replica: the read was ended, or is of a room that is not there, or there was too much to do. Silence tells only where it was waited for to the end. */
function tellsNothing(error: AlcoveError, isWhole: boolean): boolean {
  if (error.code === 'closed' || error instanceof RoomUnavailable) return true;
  if (error.code !== 'replica_unavailable' || error.limit === undefined) return false;
  return error.limit !== SILENCE || !isWhole;
}
