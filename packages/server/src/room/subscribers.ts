import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { MutationResult } from '@alcove/core/protocol/server-message';
import { CatchUp, type Range } from '../change-stream/catch-up.ts';
import { recordRange } from '../change-stream/log-records.ts';
import { SharedFrame } from '../change-stream/shared-frame.ts';
import { ClassCommits } from './class-commits.ts';
import type { ToldVersion } from './class-commits.ts';
import { SharedRecords } from './shared-records.ts';
import type { StreamParts } from './room-parts.ts';
import type { SessionEffect, SessionEvent } from './session.ts';
import { nextSession } from './session.ts';
import type { Session, Sessions } from './sessions.ts';
import type { SettledBy, Settling } from './settling.ts';

/** Ranges sent to one session before the others have their turn. */
const RANGES_A_TURN_MAX = 4;

const NO_ACKS: Range['acks'] = new Map();

/** What the change stream asks of the room around it. */
export interface StreamSurroundings {
  /** `poll()` is wanted at that monotonic time. */
  wantPoll(atMs: number): void;
  /** The log does not reach back to where the session stands. */
  rehydrate(session: Session): void;
  /** A rule of its class fails over a row of a version that the session has to pass. */
  rulesFailed(session: Session, error: AlcoveError): void;
  end(session: Session, error: AlcoveError): void;
}

/** The change stream's readers: commits to those who are live, ranges of the log to those who are behind, results before both. */
export class Subscribers<Made extends ToldVersion> {
  readonly #parts: StreamParts;
  readonly #sessions: Sessions;
  readonly #catchUp: CatchUp;
  readonly #settling: Settling<Made>;
  readonly #around: StreamSurroundings;
  readonly #behind = new Set<Session>();
  /** The last version that was published. */
  #published: ClassCommits | null = null;

  constructor(parts: StreamParts, sessions: Sessions, settling: Settling<Made>, around: StreamSurroundings) {
    this.#parts = parts;
    this.#sessions = sessions;
    this.#catchUp = new CatchUp(parts, parts.definition.model);
    this.#settling = settling;
    this.#around = around;
  }

  get behind(): number {
    return this.#behind.size;
  }

  /** The session's replica holds `version`: settles what was handled by then, and streams from there. */
  begin(session: Session, version: number): void {
    this.#settle(session, this.#settling.at(session, version), version);
    this.step(session, { type: 'stream', sent: version, head: this.#parts.gate.durable });
    if (session.state.phase === 'behind') this.#turn(session);
  }

  /** A version became durable. Every live reader gets the results of its group, then the commit. */
  publish(made: Made): void {
    const results = this.#settling.made(made);
    const records = new SharedRecords(this.#parts, made.version);
    const commits = new ClassCommits(made, this.#parts, this.#sessions.streamed);
    this.#published = commits;
    this.#tellRelayed(results);
    for (const session of this.#sessions.streamed) {
      if (session.state.phase !== 'live') continue;
      if (session.takesRecords) {
        this.#sendCommit(session, records.after(session.state.sent), made.version);
        continue;
      }
      const own = results.of(session);
      const refusal = commits.refusalFor(session);
      if (refusal !== null) {
        if (own !== undefined) this.#send(session, own);
        this.#around.end(session, refusal);
        continue;
      }
      // That nothing happened for it can wait: it is told with the next that does, or with the next pong.
      if (own === undefined && commits.isNothingFor(session)) continue;
      this.#sendCommit(session, commits.frameFor(session, session.state.sent), made.version, own);
    }
  }

  /** Before the records of the same version: a follower has the results of its tabs when it tells them of it. */
  #tellRelayed(results: SettledBy): void {
    for (const groupId of results.groups) {
      for (const session of this.#sessions.ofGroup(groupId)) {
        const own = session.isRelayed ? results.of(session) : undefined;
        if (own !== undefined) this.#send(session, own);
      }
    }
  }

  /** Versions that held nothing for the session were kept from it: it is told of them now. To be called before anything that names the room's version. */
  tellHeldBack(session: Session): void {
    const last = this.#published;
    if (last === null || session.takesRecords || session.isRelayed || session.state.phase !== 'live' || session.state.sent >= last.version)
      return;
    const results = this.#settling.within(session, { to: last.version, acks: NO_ACKS });
    const own = results.length === 0 ? undefined : this.#frameOf(results);
    this.#sendCommit(session, last.nothingAfter(session.state.sent), last.version, own);
  }

  #sendCommit(session: Session, commit: SharedFrame, version: number, results?: SharedFrame): void {
    const { ports, runtime } = this.#parts;
    const bufferedBytes = ports.bufferedBytes(session.connectionId) + commit.for(session.codec).length;
    const effects = this.#next(session, { type: 'committed', version, bufferedBytes, nowMs: runtime.monotonicMs() });
    if (!effects.some((effect) => effect.do === 'sendCommit')) return;
    if (results !== undefined) this.#send(session, results);
    this.#settling.told(session, version);
    this.#send(session, commit);
  }

  /** Looks at every session that is behind. */
  poll(): void {
    for (const session of [...this.#behind]) this.#turn(session);
    this.#catchUp.trim();
    if (this.#behind.size === 0) this.#catchUp.clear();
  }

  /** Moves the session on and performs what follows. */
  step(session: Session, event: SessionEvent): void {
    this.#next(session, event);
  }

  forget(session: Session): void {
    this.#behind.delete(session);
  }

  #next(session: Session, event: SessionEvent): readonly SessionEffect[] {
    const { state, effects } = nextSession(session.state, event, this.#parts.limits);
    const isOverfull = event.type === 'committed' && session.state.phase === 'live' && state.phase === 'behind';
    if (isOverfull) this.#parts.meter.met('subscriberBacklogBytesMax');
    session.state = state;
    if (state.phase === 'behind') this.#behind.add(session);
    else this.#behind.delete(session);
    for (const effect of effects) this.#perform(session, effect);
    return effects;
  }

  #perform(session: Session, effect: SessionEffect): void {
    switch (effect.do) {
      case 'sendCommit':
        return;
      case 'sendRange':
        return this.#sendRange(session, effect.sent);
      case 'poll':
        return this.#around.wantPoll(this.#parts.runtime.monotonicMs() + this.#parts.limits.drainPollMs);
      case 'closeForBacklog':
        return this.#around.end(
          session,
          new AlcoveError('backlog_exceeded', 'the reader does not take what it is sent', { limit: effect.limit }),
        );
      default:
        return exhaustive(effect);
    }
  }

  /** As much of the log as the socket takes, within a turn. */
  #turn(session: Session): void {
    for (let ranges = 0; ranges < RANGES_A_TURN_MAX && session.state.phase === 'behind'; ranges += 1) {
      const { sent } = session.state;
      const bufferedBytes = this.#parts.ports.bufferedBytes(session.connectionId);
      this.#next(session, { type: 'polled', bufferedBytes, nowMs: this.#parts.runtime.monotonicMs() });
      if (session.state.phase === 'behind' && session.state.sent === sent) return;
    }
    if (session.state.phase === 'behind') this.#around.wantPoll(this.#parts.runtime.monotonicMs());
  }

  #sendRange(session: Session, from: number): void {
    const { log, gate } = this.#parts;
    if (from < log.floor.version) return this.#around.rehydrate(session);
    let range: Range;
    try {
      range = this.#range(session, from);
    } catch (cause) {
      return this.#cannotSend(session, from, AlcoveError.from(cause));
    }
    this.#settle(session, this.#settling.within(session, range), range.to);
    this.#send(session, range.frame);
    this.#next(session, { type: 'rangeSent', to: range.to, head: gate.durable });
  }

  #range(session: Session, from: number): Range {
    const { gate, runtime, log, limits } = this.#parts;
    if (session.takesRecords) return { from, acks: NO_ACKS, ...recordRange(log, from, gate.durable, limits, runtime) };
    return this.#catchUp.range(from, gate.durable, session.readerClass);
  }

  /** Where the log is damaged, or the class's rules fail over what stood there once, a snapshot holds what is true, and the room goes on. */
  #cannotSend(session: Session, from: number, error: AlcoveError): void {
    if (error.code === 'rule_failed') return this.#around.rulesFailed(session, error);
    if (error.code !== 'file_damaged') throw error;
    this.#parts.runtime.log.error('the change log cannot be read; a session gets a snapshot instead', {
      room: this.#parts.id,
      session: session.sessionId,
      after: from,
      message: error.message,
    });
    this.#around.rehydrate(session);
  }

  /** To be called before the session is told of `version`. */
  #settle(session: Session, results: readonly MutationResult[], version: number): void {
    if (results.length > 0) this.#send(session, this.#frameOf(results));
    this.#settling.told(session, version);
  }

  #frameOf(results: readonly MutationResult[]): SharedFrame {
    return new SharedFrame({ type: 'results', results: [...results] }, this.#parts.runtime);
  }

  #send(session: Session, frame: SharedFrame): void {
    this.#parts.ports.send(session.connectionId, frame.for(session.codec), 'main');
  }
}
