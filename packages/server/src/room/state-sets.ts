import { AlcoveError } from '@alcove/core/error';
import type { ClientMessageOf } from '@alcove/core/protocol/client-message';
import { PutOffSets } from '../ephemeral/put-off-sets.ts';
import { userKeyOf } from './mutation-rates.ts';
import type { RoomParts } from './room-parts.ts';
import type { Session } from './sessions.ts';

/** What sets a state or offers a value. */
export type StateSet = ClientMessageOf<'presence' | 'cursor' | 'ephemeral' | 'value'>;

export interface StateSetSurroundings {
  /** Does it and answers; nothing is thrown. */
  perform(session: Session, message: StateSet): void;
  /** `release()` is wanted at that monotonic time. */
  wantRelease(atMs: number): void;
}

/** Beside the ephemeral keys a session has presence, cursor, and values under some keys. */
const WAITING_BESIDE_KEYS = 64;

/** Sets of states and values at the rate they may come: the newest of each is put off until it fits. */
export class StateSets {
  readonly #parts: RoomParts;
  readonly #around: StateSetSurroundings;
  readonly #putOff: PutOffSets<Session, StateSet>;

  constructor(parts: RoomParts, around: StateSetSurroundings) {
    const { limits } = parts;
    this.#parts = parts;
    this.#around = around;
    this.#putOff = new PutOffSets<Session, StateSet>({
      session: { perSecond: limits.sessionStatesPerSecondMax, burst: limits.sessionStatesBurst },
      user: { perSecond: limits.userStatesPerSecondMax, burst: limits.userStatesBurst },
      waitingMax: limits.sessionEphemeralKeysMax + WAITING_BESIDE_KEYS,
      sessionOf: ({ clientId }) => clientId,
      userOf: userKeyOf,
    });
  }

  /**
   * Does it now, or puts it off in place of an earlier one of the same.
   * @throws AlcoveError `rate_limited` where too many different ones are put off already: this one is not taken.
   */
  set(session: Session, message: StateSet): void {
    const { runtime, meter } = this.#parts;
    const nowMs = runtime.monotonicMs();
    const over = this.#putOff.add(session, targetOf(message), message, nowMs);
    if (over === null) return this.#around.perform(session, message);
    const nextMs = this.#putOff.nextMs(nowMs);
    if (over === 'full') throw this.#tooMany((nextMs ?? nowMs) - nowMs);
    meter.met(over === 'session' ? 'sessionStatesPerSecondMax' : 'userStatesPerSecondMax');
    if (nextMs !== null) this.#around.wantRelease(nextMs);
  }

  /** Does what fits by now. */
  release(): void {
    const nowMs = this.#parts.runtime.monotonicMs();
    for (const { by, message } of this.#putOff.release(nowMs)) this.#around.perform(by, message);
    const nextMs = this.#putOff.nextMs(nowMs);
    if (nextMs !== null) this.#around.wantRelease(nextMs);
  }

  /** Does all that is put off of a session: what it asks for next is about what it set before. */
  settle(session: Session): void {
    for (const message of this.#putOff.takeAllOf(session)) this.#around.perform(session, message);
  }

  /** The session is over. Values it offered count; its states do not any more. */
  left(session: Session, keepsRights: boolean): void {
    for (const message of this.#putOff.takeAllOf(session)) {
      if (message.type === 'value' && keepsRights) this.#around.perform(session, message);
    }
  }

  #tooMany(waitMs: number): AlcoveError {
    return new AlcoveError('rate_limited', 'too many states and values of this session wait for their turn', {
      retryAfterMs: Math.max(this.#parts.limits.retryAfterMs, waitMs),
      limit: 'sessionStatesPerSecondMax',
    });
  }
}

const targetOf = (message: StateSet): string =>
  message.type === 'ephemeral' || message.type === 'value' ? JSON.stringify([message.type, message.name, message.key]) : message.type;
