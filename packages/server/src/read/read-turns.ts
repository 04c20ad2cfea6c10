import { compareOrders } from './choose-replica.ts';
import type { ReadRoute } from './read-route.ts';

type Priority = ReadRoute['priority'];

/** Who is let in first; from the other end who is sent away first. */
const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];
/** Users of whom it is known when they had their last turn; the others' was longer ago. */
const USERS_MAX = 1_000;

/** A read, as far as turns are taken. */
export interface Turn {
  /** Absent: the server's own code. */
  readonly user?: string | undefined;
  readonly priority: Priority;
}

type User = Turn['user'];

/**
 * Whose turn it is. Users take turns: who has the fewest reads running goes first, of those whose last turn was the longest ago; a user's own reads go by priority, then as they came. What the
 * server's own code calls `high` goes before all. However long a user's reads take, and however many come: whoever comes anew has the next place.
 */
export class ReadTurns {
  readonly #running = new Map<User, number>();
  /** The longest ago first. */
  readonly #lastTurn = new Map<User, number>();
  #turn = 0;

  entered(user: User): void {
    this.#running.set(user, this.#runningOf(user) + 1);
    // Whoever had the last one has it still.
    if (this.#lastTurn.get(user) === this.#turn) return;
    this.#turn += 1;
    this.#lastTurn.delete(user);
    this.#lastTurn.set(user, this.#turn);
    const oldest = this.#lastTurn.keys().next();
    if (this.#lastTurn.size > USERS_MAX && oldest.done !== true) this.#lastTurn.delete(oldest.value);
  }

  left(user: User): void {
    const running = this.#runningOf(user) - 1;
    if (running > 0) this.#running.set(user, running);
    else this.#running.delete(user);
  }

  /** One user has never all of several places: the last one is for who comes next. */
  mayEnter({ user }: Turn, places: number): boolean {
    return user === undefined || this.#runningOf(user) < Math.max(1, places - 1);
  }

  /** Undefined: nobody who waits may come in. @param waiting As they came. */
  next<T extends Turn>(waiting: readonly T[], places: number): T | undefined {
    let best: T | undefined;
    for (const one of waiting) {
      if (this.mayEnter(one, places) && (best === undefined || this.#compare(one, best) < 0)) best = one;
    }
    return best;
  }

  /** How many are let in before `turn`, which is one of them, if nothing else comes; Infinity: it may not come in yet. */
  before<T extends Turn>(turn: T, waiting: readonly T[], places: number): number {
    if (!this.mayEnter(turn, places)) return Number.POSITIVE_INFINITY;
    const place = waiting.indexOf(turn);
    const isBefore = (one: T, index: number): boolean => {
      const order = this.#compare(one, turn);
      return one !== turn && this.mayEnter(one, places) && (order < 0 || (order === 0 && index < place));
    };
    return waiting.filter(isBefore).length;
  }

  /** Who is sent away where too many wait: of those who have the most waiting the least urgent, of equals who came last. What is urgent to the server's own code stays. */
  last<T extends Turn>(waiting: readonly T[]): T | undefined {
    const counts = new Map<User, number>();
    for (const { user } of waiting) counts.set(user, (counts.get(user) ?? 0) + 1);
    const weigh = (one: T): number[] => [isAhead(one) ? 0 : 1, counts.get(one.user) ?? 0, rankOf(one)];
    let last: T | undefined;
    for (const one of waiting) if (last === undefined || compareOrders(weigh(one), weigh(last)) >= 0) last = one;
    return last;
  }

  #compare(a: Turn, b: Turn): number {
    return compareOrders(this.#weigh(a), this.#weigh(b));
  }

  #weigh(turn: Turn): number[] {
    return [isAhead(turn) ? 0 : 1, this.#runningOf(turn.user), this.#lastTurn.get(turn.user) ?? 0, rankOf(turn)];
  }

  #runningOf(user: User): number {
    return this.#running.get(user) ?? 0;
  }
}

const rankOf = ({ priority }: Turn): number => PRIORITIES.indexOf(priority);
const isAhead = ({ user, priority }: Turn): boolean => user === undefined && priority === 'high';
