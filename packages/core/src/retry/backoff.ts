export interface BackoffOptions {
  /** Upper bound of the first wait. */
  readonly baseMs: number;
  /** Upper bound of every wait that the other side did not ask for. */
  readonly maxMs: number;
}

/** 0.5 s, 1 s, 2 s … 30 s: a room that restarts within seconds is met soon, one that is down is not hammered. */
export const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 500, maxMs: 30_000 };

/**
 * How long to wait before `attempt` (1 for the first try after a failure): uniform between 0 and min(maxMs, baseMs·2^(attempt−1)), so that clients that
 * lost the same server spread out ("full jitter").
 *
 * @param random In [0, 1).
 * @param retryAfterMs What the other side asked for; never undercut, and spread over up to half as much again.
 */
export function backoffMs(attempt: number, random: number, retryAfterMs?: number, options: BackoffOptions = DEFAULT_BACKOFF): number {
  if (retryAfterMs !== undefined) return Math.ceil(retryAfterMs + (random * retryAfterMs) / 2);
  const doublings = Math.min(Math.max(attempt, 1) - 1, 50);
  return Math.floor(random * Math.min(options.maxMs, options.baseMs * 2 ** doublings));
}
