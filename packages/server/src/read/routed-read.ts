import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { backoffMs } from '@alcove/core/retry/backoff';
import { type Candidate, type Choice, chooseReplica, type LeftOutReason } from './choose-replica.ts';
import type { KnownVersions } from './known-versions.ts';
import { PartlyTold } from './partly-told.ts';
import type { ReadRoute, RoutedAnswer } from './read-route.ts';
import type { Dialect, EndSignal, ReadRequest, ReplicaLag } from './replica.ts';
import type { ReplicaChecks } from './replica-checks.ts';
import { retryAfterMsOf } from './retry-after.ts';
import { RoomUnavailable } from './room-unavailable.ts';
import type { RouterCounts } from './router-counts.ts';
import type { RouterSettings } from './router-options.ts';
import { ENDS_WITHIN_MS } from './run-bounded.ts';
import type { WatchedReplica } from './watched-replica.ts';

/** The first wait before a replica that is behind is asked again, and the longest: it applies what a stream brings within milliseconds, or is in trouble. */
const POLL = { baseMs: 20, maxMs: 250 };

const LEVEL: ReplicaLag = { versions: 0, ms: 0 };

export interface RoutedReadParts {
  readonly runtime: Runtime;
  readonly settings: RouterSettings;
  readonly replicas: ReadonlyMap<string, WatchedReplica>;
  readonly known: KnownVersions;
  readonly checks: ReplicaChecks;
  readonly counts: RouterCounts;
  /** Is told the name of each limit that a read met. */
  readonly met: (limit: string) => void;
  /** Reads that wait for a version just now. */
  waiting: number;
  /** Counts the reads. */
  turn: number;
}

export interface AskedRead {
  readonly request: ReadRequest;
  readonly route: ReadRoute;
  /** How long replicas may take to reach the version that is asked for. */
  readonly waitMs: number;
  readonly dialect: Dialect;
  readonly primaryOnly: boolean;
  readonly operationClass: string;
}

/** How long one replica may take for a read: what the read itself may, and the second in which it ends, where that is longer than the fail-over takes. */
export const attemptMsOf = ({ bounds }: ReadRequest, { limits }: RouterSettings): number =>
  Math.max(limits.failoverTimeoutMs, bounds.timeoutMs + ENDS_WITHIN_MS);

/** When a read has ended at the latest, however its replicas behave, from its beginning: it has waited, and asked as many as it may. */
export const deadlineMsOf = (request: ReadRequest, waitMs: number, settings: RouterSettings): number =>
  waitMs + settings.limits.queueWaitMs + turnMsOf(request, settings) + (settings.limits.retriesMax + 2) * attemptMsOf(request, settings);

/** How long a read waits for a place at the primary's readers while its turn is near: what runs there has ended by then. Nobody else is there to answer it. */
const turnMsOf = (request: ReadRequest, settings: RouterSettings): number =>
  Math.max(settings.limits.queueWaitMs, attemptMsOf(request, settings));

const nobody = (leftOut: readonly string[]): string =>
  `no replica can be asked: ${leftOut.length === 0 ? 'there is none' : leftOut.join(', ')}`;

type Step =
  | { readonly do: 'ask'; readonly candidate: Candidate }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'fail'; readonly error: AlcoveError };

/**
 * One read on its way. Each turn of it looks at what is known of all replicas, and then asks one, waits, or gives up:
 * ```
 *   replicas that may have the version ── answer ──▶ done
 *     │ behind: those who were not asked yet, then a short wait and again, until waitMs are over
 *     │ unavailable: another one, at most retriesMax times
 *     ▼
 *   the primary's readers ── answer ──▶ done         ── behind ──▶ read_behind   ── unavailable ──▶ replica_unavailable
 * ```
 * Whatever else a replica says is the answer.
 */
export class RoutedRead {
  readonly #parts: RoutedReadParts;
  readonly #read: AskedRead;
  readonly #signal: EndSignal;
  readonly #room: string;
  readonly #turn: number;
  readonly #startedMs: number;
  readonly #deadlineMs: number;
  #waitUntilMs: number;
  #queueLeftMs: number;
  /** Could not be had. */
  readonly #tried = new Set<string>();
  /** Said in this round that they are behind. */
  readonly #asked = new Set<string>();
  #rounds = 0;
  #failures = 0;
  #wasBehind = false;
  #hasWaited = false;
  /** There was no place. */
  #refusal: AlcoveError | null = null;
  /** By id, what those said that could not be had. */
  readonly #unavailable = new Map<string, AlcoveError>();
  /** The last one that was asked could not be had. */
  #isRetry = false;

  constructor(parts: RoutedReadParts, read: AskedRead, signal: EndSignal) {
    const { settings, runtime } = parts;
    this.#parts = parts;
    this.#read = read;
    this.#signal = signal;
    this.#room = `${read.request.room.name}/${read.request.room.id}`;
    this.#turn = parts.turn++;
    this.#startedMs = runtime.monotonicMs();
    this.#waitUntilMs = this.#startedMs + read.waitMs;
    this.#deadlineMs = this.#startedMs + deadlineMsOf(read.request, read.waitMs, settings);
    this.#queueLeftMs = settings.limits.queueWaitMs;
  }

  async run(): Promise<RoutedAnswer> {
    for (;;) {
      if (this.#signal.aborted) throw new AlcoveError('closed', 'nobody waits for the read any more');
      const step = this.#next(this.#parts.runtime.monotonicMs());
      if (step.do === 'fail') throw step.error;
      if (step.do === 'wait') await this.#wait(step.ms);
      else {
        const answer = await this.#ask(step.candidate);
        if (answer !== null) return answer;
      }
    }
  }

  #next(nowMs: number): Step {
    const { settings } = this.#parts;
    const choice = this.#choose(nowMs);
    const candidates = choice.candidates.filter(({ isPrimary }) => isPrimary || this.#failures <= settings.limits.retriesMax);
    const [best] = candidates;
    if (nowMs >= this.#deadlineMs || best === undefined) return { do: 'fail', error: this.#noneLeft(choice, nowMs) };
    if (this.#read.request.atLeast === null) return { do: 'ask', candidate: best };
    return this.#nextOfVersion(candidates, nowMs) ?? { do: 'fail', error: this.#noneLeft(choice, nowMs) };
  }

  /** For a read that asks for a version. Null: nobody is left to ask or to wait for. */
  #nextOfVersion(candidates: readonly Candidate[], nowMs: number): Step | null {
    const { route } = this.#read;
    const { limits, defaultToReplica } = this.#parts.settings;
    const isPrimaryFirst = route.preferPrimary || !defaultToReplica;
    const replicas = candidates.filter(({ isPrimary }) => !isPrimary);
    const isInTime = nowMs < this.#waitUntilMs;
    const fresh = candidates.filter((candidate) => !this.#isKnownBehind(candidate, nowMs));
    const next = fresh.find(({ isPrimary }) => !isPrimary || isPrimaryFirst);
    // At the end of its time the primary's readers have the last word; where there are none, the replicas.
    const asksReplicas = isInTime || this.#rounds === 0 || replicas.length === candidates.length;
    const primary = candidates.find(({ isPrimary, id }) => isPrimary && !this.#asked.has(id));
    if (next !== undefined && asksReplicas && this.#asked.size <= limits.retriesMax) {
      // As without a version: a place at the primary's readers before a queue.
      const stepsAside = next.isBusy && primary !== undefined && !primary.isBusy;
      return { do: 'ask', candidate: stepsAside ? primary : next };
    }
    if (isInTime && (replicas.length > 0 || primary === undefined) && this.#mayWait()) return { do: 'wait', ms: this.#pauseMs(nowMs) };
    return primary === undefined ? null : { do: 'ask', candidate: primary };
  }

  /** By its own word to this read, or just now to another one: what many reads wait for is asked for once. */
  #isKnownBehind({ id, version }: Candidate, nowMs: number): boolean {
    const { atLeast } = this.#read.request;
    if (this.#asked.has(id)) return true;
    return version === 'behind' && atLeast !== null && this.#parts.known.lackedSinceMs(id, this.#room, atLeast, nowMs) < POLL.baseMs;
  }

  /** Whether somebody has found out, while this read waited for its place, that the replica is behind. Else whoever asks one that was behind asks for all who wait. */
  #isStale({ id, version }: Candidate): boolean {
    const { known, runtime } = this.#parts;
    const { atLeast } = this.#read.request;
    const nowMs = runtime.monotonicMs();
    if (atLeast === null || known.versionAt(id, this.#room, atLeast, nowMs) !== 'behind') return false;
    if (known.lackedSinceMs(id, this.#room, atLeast, nowMs) < POLL.baseMs) return true;
    if (version === 'behind') known.lacked(id, this.#room, atLeast, nowMs);
    return false;
  }

  #mayWait(): boolean {
    if (this.#hasWaited || this.#parts.waiting < this.#parts.settings.limits.waitingReadsMax) return true;
    this.#parts.counts.unwaited += 1;
    this.#parts.met('waitingReadsMax');
    this.#waitUntilMs = this.#startedMs;
    return false;
  }

  #pauseMs(nowMs: number): number {
    const random = this.#parts.runtime.random();
    const pauseMs = Math.max(POLL.baseMs / 2, backoffMs(this.#rounds + 1, random, undefined, POLL));
    return Math.min(pauseMs, this.#waitUntilMs - nowMs);
  }

  #choose(nowMs: number): Choice {
    const { replicas, known, settings, runtime } = this.#parts;
    const { request, route, dialect, primaryOnly, operationClass } = this.#read;
    const versionAt = (id: string) => known.versionAt(id, this.#room, request.atLeast, nowMs);
    const facts = { dialect, operationClass, route, primaryOnly, tried: this.#tried, versionAt };
    const states = [...replicas.values()].map((replica) => replica.facts());
    const random = (): number => runtime.random();
    return chooseReplica(facts, states, settings, { nowMs, turn: this.#turn, random });
  }

  async #wait(ms: number): Promise<void> {
    const { runtime, counts } = this.#parts;
    if (!this.#hasWaited) counts.waited += 1;
    this.#hasWaited = true;
    this.#rounds += 1;
    this.#asked.clear();
    this.#parts.waiting += 1;
    await new Promise<void>((resolve) => {
      const timer = runtime.setTimer(ms, () => over());
      const over = (): void => {
        timer.cancel();
        this.#signal.removeEventListener('abort', over);
        resolve();
      };
      this.#signal.addEventListener('abort', over, { once: true });
    });
    this.#parts.waiting -= 1;
  }

  /** @returns null where this replica has no answer, and the next turn decides. */
  async #ask(candidate: Candidate): Promise<RoutedAnswer | null> {
    const { id, isPrimary, isProbe } = candidate;
    const replica = this.#parts.replicas.get(id);
    if (replica === undefined || !(await this.#takePlace(replica))) return null;
    const ticket = !isPrimary && this.#isStale(candidate) ? null : replica.admit(this.#read.operationClass, isProbe);
    if (ticket === null) {
      replica.places.leave(this.#read.request.user);
      return null;
    }
    this.#count(isPrimary);
    const { request } = this.#read;
    const { runtime, settings, known, counts } = this.#parts;
    const wholeMs = attemptMsOf(request, settings);
    const limitMs = Math.min(wholeMs, this.#deadlineMs - runtime.monotonicMs());
    try {
      const answer = await replica.ask(ticket, request, limitMs, limitMs === wholeMs, this.#signal);
      const nowMs = runtime.monotonicMs();
      // Of the primary's readers nothing is foretold: whatever was asked before, they have what there is.
      if (!isPrimary) known.saw(id, this.#room, answer.at, nowMs);
      counts.answered += 1;
      if (!isPrimary) counts.byReplicas += 1;
      const { columns, cells, rows, truncated, at } = answer;
      const lag = replica.state.lag ?? LEVEL;
      return { columns, cells, rows, truncated, at, replica: id, lag, tookMs: nowMs - this.#startedMs };
    } catch (cause) {
      this.#take(id, isPrimary, AlcoveError.from(cause));
      return null;
    }
  }

  /** @throws AlcoveError `overloaded`, `closed` */
  async #takePlace({ id, places, state }: WatchedReplica): Promise<boolean> {
    const { runtime, settings } = this.#parts;
    const { request, route } = this.#read;
    const { isPrimary } = state.settings;
    const sinceMs = runtime.monotonicMs();
    try {
      // Whoever has waited in vain for a replica may still wait for the primary's readers.
      const waitMs = isPrimary ? settings.limits.queueWaitMs : this.#queueLeftMs;
      const turnMs = isPrimary ? Math.min(turnMsOf(request, settings), this.#deadlineMs - sinceMs) : waitMs;
      await places.take({ user: request.user, priority: route.priority, waitMs, turnMs }, this.#signal);
      return true;
    } catch (cause) {
      const error = AlcoveError.from(cause);
      if (error.code === 'overloaded' && !isPrimary) this.#refusal = error;
      else if (error.code !== 'replica_unavailable') throw error;
      // It went down or is drained, or too many wait there, while the read stood before it.
      this.#tried.add(id);
      return false;
    } finally {
      this.#queueLeftMs = Math.max(0, this.#queueLeftMs - (runtime.monotonicMs() - sinceMs));
    }
  }

  #count(isPrimary: boolean): void {
    const { counts, replicas, settings } = this.#parts;
    if (this.#isRetry) counts.retries += 1;
    this.#isRetry = false;
    const { route, primaryOnly, dialect } = this.#read;
    if (!isPrimary || primaryOnly || route.preferPrimary || !settings.defaultToReplica) return;
    const stoodIn = [...replicas.values()].some(({ state: { settings: one } }) => !one.isPrimary && one.dialect === dialect);
    if (stoodIn) counts.fallbacks += 1;
  }

  /** What a replica said instead of an answer. @throws AlcoveError where that is the answer. */
  #take(id: string, isPrimary: boolean, error: AlcoveError): void {
    const { known, checks, runtime } = this.#parts;
    const { atLeast } = this.#read.request;
    if (error.code === 'replica_unavailable') {
      this.#tried.add(id);
      this.#unavailable.set(id, error);
      this.#failures += 1;
      this.#isRetry = true;
      return error instanceof RoomUnavailable ? undefined : checks.soon(id);
    }
    if (error.code !== 'read_behind' || atLeast === null) throw error;
    this.#wasBehind = true;
    this.#asked.add(id);
    if (!isPrimary) known.lacked(id, this.#room, atLeast, runtime.monotonicMs());
  }

  #noneLeft({ leftOut }: Choice, nowMs: number): AlcoveError {
    const { replicas, settings } = this.#parts;
    const states = [...replicas.values()].map(({ state }) => state);
    const retryAfterMs = retryAfterMsOf(states, this.#read.operationClass, nowMs, settings);
    if (this.#wasBehind) {
      const version = this.#read.request.atLeast?.version ?? 0;
      return new AlcoveError('read_behind', `nobody who can be asked has reached version ${version} within ${this.#read.waitMs} ms`, {
        retryAfterMs,
      });
    }
    if (this.#refusal !== null) return this.#refusal;
    const told = leftOut.map(({ id, reason }) => `${id} (${reason})`);
    const whole = leftOut.map(({ id, reason }) => `${id} (${[reason, ...this.#whyOf(id, reason)].join(': ')})`);
    return new PartlyTold(nobody(told), nobody(whole), { retryAfterMs, cause: [...this.#unavailable.values()].at(-1) });
  }

  /** What was said by one that this read has tried, or that was found to be down or broken before it. */
  #whyOf(id: string, reason: LeftOutReason): string[] {
    const said = this.#unavailable.get(id);
    if (said !== undefined) return [said.message];
    const lastError = this.#parts.replicas.get(id)?.state.lastError;
    return (reason === 'down' || reason === 'breaker-open') && lastError != null ? [lastError.message] : [];
  }
}
