import { AlcoveError } from '@alcove/core/error';
import { KeyedBuckets } from '../limits/keyed-buckets.ts';
import type { TokenBucket } from '../limits/token-bucket.ts';
import type { RoomLimits } from './room-options.ts';

/** Whose budgets a push is charged to. */
export interface Pushing {
  readonly clientId: string;
  readonly subject: string;
  readonly groupId: string;
}

/** Who counts as one user. Those who are nobody in particular are told apart by client group, which is a browser: it bounds accidents, not attackers, whom only the bounds of sessions, sockets and the room hold. */
export const userKeyOf = ({ subject, groupId }: Pick<Pushing, 'subject' | 'groupId'>): string =>
  subject === '' ? `group ${groupId}` : subject;

export interface Allowed {
  /** So many of the first may be pushed. */
  readonly count: number;
  /** Why not more; null where all may. */
  readonly error: AlcoveError | null;
}

interface Budget {
  readonly bucket: TokenBucket;
  readonly limit: string;
  readonly perSecond: number;
  readonly whose: string;
}

/** A refusal asks to wait until so much of a second's rate may go at once: fewer and larger pushes than one by one. */
const AGAIN_WITH_SECONDS = 0.5;

/** How fast mutations may come: of a client, of a user over all of their sessions here and in all rooms of the process, and of the room. */
export class MutationRates {
  readonly #limits: RoomLimits;
  readonly #clients: KeyedBuckets;
  readonly #users: KeyedBuckets;
  readonly #room: KeyedBuckets;
  readonly #everywhere: KeyedBuckets | null;
  /** What users pushed in vain: reading it costs, so they are not read for a while past it. */
  readonly #inVain: KeyedBuckets;

  /** @param everywhere Budgets of users in all rooms of the process; null: the room is on its own. */
  constructor(limits: RoomLimits, everywhere: KeyedBuckets | null) {
    this.#limits = limits;
    this.#clients = new KeyedBuckets({ perSecond: limits.sessionMutationsPerSecondMax, burst: limits.sessionMutationsBurst });
    this.#users = new KeyedBuckets({ perSecond: limits.userMutationsPerSecondMax, burst: limits.userMutationsBurst });
    this.#room = new KeyedBuckets({ perSecond: limits.roomMutationsPerSecondMax, burst: limits.roomMutationsBurst });
    const inVain = limits.sessionMutationsPerSecondMax;
    this.#inVain = new KeyedBuckets({ perSecond: inVain, burst: Math.max(inVain, IN_VAIN_BURST_MIN) });
    this.#everywhere = everywhere;
  }

  /** How many of `count` may be pushed now. Takes nothing. */
  allow(pushing: Pushing, count: number, nowMs: number): Allowed {
    let least: { readonly budget: Budget; readonly available: number } | null = null;
    for (const budget of this.#budgets(pushing, nowMs)) {
      const available = budget.bucket.available(nowMs);
      if (available < (least?.available ?? count)) least = { budget, available };
    }
    if (least === null) return { count, error: null };
    return { count: least.available, error: refusalBy(least.budget, least.available, nowMs) };
  }

  /** So many were taken. */
  take(pushing: Pushing, count: number, nowMs: number): void {
    for (const { bucket } of this.#budgets(pushing, nowMs)) bucket.take(count, nowMs);
  }

  /**
   * So many were pushed and refused. @returns for how many ms the connection is better not read: 0 for one that takes a refusal as it is meant, which has
   * no more on its way than a window.
   */
  refused(pushing: Pushing, count: number, nowMs: number): number {
    return this.#inVain.of(userKeyOf(pushing), nowMs).take(count, nowMs);
  }

  #budgets(pushing: Pushing, nowMs: number): Budget[] {
    const { sessionMutationsPerSecondMax, userMutationsPerSecondMax, roomMutationsPerSecondMax } = this.#limits;
    const { clientId, subject } = pushing;
    const budgets: Budget[] = [
      {
        bucket: this.#clients.of(clientId, nowMs),
        limit: 'sessionMutationsPerSecondMax',
        perSecond: sessionMutationsPerSecondMax,
        whose: 'this session',
      },
      {
        bucket: this.#users.of(userKeyOf(pushing), nowMs),
        limit: 'userMutationsPerSecondMax',
        perSecond: userMutationsPerSecondMax,
        whose: 'this user in this room',
      },
      { bucket: this.#room.of('', nowMs), limit: 'roomMutationsPerSecondMax', perSecond: roomMutationsPerSecondMax, whose: 'this room' },
    ];
    if (this.#everywhere !== null && subject !== '') {
      const { perSecond } = this.#everywhere;
      const bucket = this.#everywhere.of(subject, nowMs);
      budgets.push({ bucket, limit: 'userMutationsPerSecondEverywhereMax', perSecond, whose: 'this user in all rooms' });
    }
    return budgets;
  }
}

/** Two windows of the SDK's own client. */
const IN_VAIN_BURST_MIN = 1_000;

function refusalBy({ bucket, limit, perSecond, whose }: Budget, taken: number, nowMs: number): AlcoveError {
  const again = Math.max(1, Math.floor(perSecond * AGAIN_WITH_SECONDS));
  const retryAfterMs = Math.max(1, bucket.waitMs(again, nowMs, taken));
  return new AlcoveError('rate_limited', `${whose} may push ${perSecond} mutations a second for long`, { retryAfterMs, limit });
}
