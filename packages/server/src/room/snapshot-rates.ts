import { KeyedBuckets } from '../limits/keyed-buckets.ts';
import type { TokenBucket } from '../limits/token-bucket.ts';
import type { Pushing } from './mutation-rates.ts';
import { userKeyOf } from './mutation-rates.ts';
import type { RoomLimits } from './room-options.ts';

export interface Delay {
  /** The limit that is met. */
  readonly limit: 'sessionSnapshotsPerMinuteMax' | 'userSnapshotsPerMinuteMax';
  readonly ms: number;
}

/** How often the room is read from end to end for somebody: for a client, and for a user over all of their sessions in the room. */
export class SnapshotRates {
  readonly #clients: KeyedBuckets;
  readonly #users: KeyedBuckets;

  constructor(limits: RoomLimits) {
    this.#clients = new KeyedBuckets({ perSecond: limits.sessionSnapshotsPerMinuteMax / 60, burst: limits.sessionSnapshotsBurst });
    this.#users = new KeyedBuckets({ perSecond: limits.userSnapshotsPerMinuteMax / 60, burst: limits.userSnapshotsBurst });
  }

  /** What the next snapshot of a session waits for; null: for nothing. */
  delayOf(session: Pushing, nowMs: number): Delay | null {
    const [client, user] = this.#bucketsOf(session, nowMs);
    const [clientMs, userMs] = [client.waitMs(1, nowMs), user.waitMs(1, nowMs)];
    if (clientMs === 0 && userMs === 0) return null;
    return clientMs >= userMs
      ? { limit: 'sessionSnapshotsPerMinuteMax', ms: clientMs }
      : { limit: 'userSnapshotsPerMinuteMax', ms: userMs };
  }

  /** One begins. */
  take(session: Pushing, nowMs: number): void {
    for (const bucket of this.#bucketsOf(session, nowMs)) bucket.take(1, nowMs);
  }

  #bucketsOf(session: Pushing, nowMs: number): readonly [client: TokenBucket, user: TokenBucket] {
    return [this.#clients.of(session.clientId, nowMs), this.#users.of(userKeyOf(session), nowMs)];
  }
}
