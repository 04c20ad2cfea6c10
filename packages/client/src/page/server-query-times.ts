/** When a listener of a server query wants it asked. */
export interface Refreshing {
  /** False: not by itself, not even at first. */
  readonly enabled: boolean;
  /** So long after the last answer; null: not by time. */
  readonly refreshMs: number | null;
  /** So long after the room went on; null: not for that. */
  readonly liveMs: number | null;
}

/** How a query stands. Monotonic times. */
export interface Standing {
  /** The last answer, or error. */
  readonly endedMs: number;
  /** Since when the room is known to be ahead of the answer, or a retryable error could be made good, over a connection; null: not so. */
  readonly behindSinceMs: number | null;
  /** Answers and errors in a row that did not change that. */
  readonly inVain: number;
  /** The last error was the connection's. */
  readonly wasCutOff: boolean;
}

/** The longest wait between two attempts that come to nothing. */
const IN_VAIN_MS_MAX = 30_000;
const IN_VAIN_MS_MIN = 100;
const IN_VAIN_DOUBLINGS_MAX = 20;

/**
 * When to ask next; null: not by itself. Never waits for quiet: a room that goes on without a pause is asked once in every `liveMs`. What left it behind (a replica that lags, a refusal) is tried
 * at longer and longer intervals, until the room goes on.
 */
export function nextAskMs(wishes: readonly Refreshing[], { endedMs, behindSinceMs, inVain, wasCutOff }: Standing): number | null {
  let atMs: number | null = null;
  const at = (ms: number): void => {
    atMs = atMs === null ? ms : Math.min(atMs, ms);
  };
  for (const { refreshMs, liveMs } of wishes) {
    if (refreshMs !== null) at(endedMs + refreshMs);
    if (behindSinceMs === null) continue;
    if (wasCutOff) at(behindSinceMs + (inVain <= 1 ? 0 : patienceMs(0, inVain)));
    else if (liveMs !== null) at(behindSinceMs + (inVain === 0 ? liveMs : patienceMs(liveMs, inVain)));
  }
  return atMs;
}

const patienceMs = (firstMs: number, inVain: number): number =>
  Math.min(Math.max(firstMs, IN_VAIN_MS_MIN) * 2 ** Math.min(inVain, IN_VAIN_DOUBLINGS_MAX), IN_VAIN_MS_MAX);
