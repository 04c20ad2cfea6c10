/** Of a token's remaining life: when there is a tenth left, but a minute at most and 5 s at least, there is time for an app to get another. */
const LEAD_SHARE = 0.1;
const LEAD_MS_MIN = 5_000;
const LEAD_MS_MAX = 60_000;
/** With less than that left there is no use in asking: the room says when it is over, and the token is asked for then. */
const REMAINING_MS_MIN = 1_000;

/** Until when the room takes this session's token for good, and when the app is to be asked for the next one. Monotonic times. */
export interface TokenLife {
  readonly endsAtMs: number;
  /** Null: not any more. */
  readonly askAtMs: number | null;
}

/**
 * The life of a token that was just accepted; null where it has no end.
 * @param random In [0, 1): spreads the pages that were let in at the same moment.
 */
export function lifeOf(expiresInMs: number | null, nowMs: number, random: number): TokenLife | null {
  if (expiresInMs === null) return null;
  const leadMs = Math.min(LEAD_MS_MAX, Math.max(LEAD_MS_MIN, expiresInMs * LEAD_SHARE)) * (0.75 + random / 2);
  const endsAtMs = nowMs + expiresInMs;
  return { endsAtMs, askAtMs: expiresInMs < REMAINING_MS_MIN ? null : nowMs + Math.max(expiresInMs - leadMs, expiresInMs / 2) };
}

/** The app was asked. Where nothing comes of it (no network, the same token again) it is asked once more after half of what is left. */
export function askedAt(life: TokenLife, nowMs: number): TokenLife {
  const leftMs = life.endsAtMs - nowMs;
  return { ...life, askAtMs: leftMs < REMAINING_MS_MIN ? null : nowMs + leftMs / 2 };
}
