import { KeyedBuckets } from '../limits/keyed-buckets.ts';
import type { Rate, TokenBucket } from '../limits/token-bucket.ts';

export interface PutOffBounds<By> {
  readonly session: Rate;
  readonly user: Rate;
  sessionOf(by: By): string;
  userOf(by: By): string;
  /** Sets of one session that wait: one a state or value. */
  readonly waitingMax: number;
}

/** Which budget a set did not fit into; null: it may be done at once. `full`: as many of the session wait as may. */
export type PutOff = 'session' | 'user' | 'full' | null;

/**
 * Sets of states and values that come faster than they may: the newest of each waits until it fits, the ones before it are left out. So what others see last
 * is what was set last, and a flood costs no more than its rate.
 */
export class PutOffSets<By, Message> {
  readonly #sessions: KeyedBuckets;
  readonly #users: KeyedBuckets;
  readonly #bounds: PutOffBounds<By>;
  /** By session, and in it by what is set; who waits longest first. */
  readonly #waiting = new Map<By, Map<string, Message>>();

  constructor(bounds: PutOffBounds<By>) {
    this.#bounds = bounds;
    this.#sessions = new KeyedBuckets(bounds.session);
    this.#users = new KeyedBuckets(bounds.user);
  }

  get size(): number {
    let size = 0;
    for (const messages of this.#waiting.values()) size += messages.size;
    return size;
  }

  /** Null: to be done now. Else it waits, in the place of one of the same `target`, or, `full`, was not taken. */
  add(by: By, target: string, message: Message, nowMs: number): PutOff {
    const waiting = this.#waiting.get(by);
    const over = waiting === undefined ? this.#over(by, nowMs) : 'session';
    if (over === null) {
      this.#take(by, nowMs);
      return null;
    }
    if (waiting === undefined) {
      this.#waiting.set(by, new Map([[target, message]]));
    } else {
      if (!waiting.has(target) && waiting.size >= this.#bounds.waitingMax) return 'full';
      waiting.set(target, message);
    }
    return over;
  }

  /** When the next one fits; null: none waits. */
  nextMs(nowMs: number): number | null {
    let next: number | null = null;
    for (const by of this.#waiting.keys()) {
      const { session, user } = this.#budgets(by, nowMs);
      const atMs = nowMs + Math.max(session.waitMs(1, nowMs), user.waitMs(1, nowMs));
      next = next === null ? atMs : Math.min(next, atMs);
    }
    return next;
  }

  /** Takes out what fits by now, a session after the other. */
  release(nowMs: number): { readonly by: By; readonly message: Message }[] {
    const released: { by: By; message: Message }[] = [];
    for (let going = true; going; ) {
      going = false;
      for (const [by, messages] of this.#waiting) {
        const [first] = messages;
        if (first === undefined || this.#over(by, nowMs) !== null) continue;
        this.#take(by, nowMs);
        messages.delete(first[0]);
        if (messages.size === 0) this.#waiting.delete(by);
        released.push({ by, message: first[1] });
        going = true;
      }
    }
    return released;
  }

  /** Takes out all that waits of a session, whether it fits or not. */
  takeAllOf(by: By): Message[] {
    const messages = [...(this.#waiting.get(by)?.values() ?? [])];
    this.#waiting.delete(by);
    return messages;
  }

  #over(by: By, nowMs: number): 'session' | 'user' | null {
    const { session, user } = this.#budgets(by, nowMs);
    if (session.available(nowMs) < 1) return 'session';
    return user.available(nowMs) < 1 ? 'user' : null;
  }

  #take(by: By, nowMs: number): void {
    const { session, user } = this.#budgets(by, nowMs);
    session.take(1, nowMs);
    user.take(1, nowMs);
  }

  #budgets(by: By, nowMs: number): { readonly session: TokenBucket; readonly user: TokenBucket } {
    return { session: this.#sessions.of(this.#bounds.sessionOf(by), nowMs), user: this.#users.of(this.#bounds.userOf(by), nowMs) };
  }
}
