import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { EndSource } from './end-source.ts';
import type { EndSignal } from './replica.ts';

/** What replicas promise: within it what was ended has ended. */
export const ENDS_WITHIN_MS = 1_000;

/** The limit that who says nothing has met. */
export const SILENCE = 'failoverTimeoutMs';

/**
 * Runs `work`, and ends it after `limitMs` or when `signal` says so.
 * @param ended Called once, when the work is over or should be: right after it settled, or a second after it was ended.
 * @throws AlcoveError (as rejection) what the work rejects with; `replica_unavailable` with the limit `failoverTimeoutMs` past the time; `closed` where nobody waits any more.
 */
export function runBounded<T>(
  runtime: Runtime,
  name: string,
  work: (end: EndSignal) => Promise<T>,
  limitMs: number,
  signal: EndSignal,
  ended: () => void = () => undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const source = new EndSource();
    let hasEnded = false;
    let grace: { cancel(): void } | null = null;
    const leave = (): void => {
      if (hasEnded) return;
      hasEnded = true;
      grace?.cancel();
      ended();
    };
    const over = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', aborted);
    };
    const cut = (error: AlcoveError): void => {
      over();
      reject(error);
      grace = runtime.setTimer(ENDS_WITHIN_MS, leave);
      source.end();
    };
    const aborted = (): void => cut(new AlcoveError('closed', 'nobody waits for the read any more'));
    const timer = runtime.setTimer(limitMs, () =>
      cut(new AlcoveError('replica_unavailable', `${name} has said nothing for ${Math.round(limitMs)} ms`, { limit: SILENCE })),
    );
    if (signal.aborted) {
      aborted();
      leave();
      return;
    }
    signal.addEventListener('abort', aborted, { once: true });
    begin(work, source.signal).then(
      (value) => {
        over();
        resolve(value);
        leave();
      },
      (error: unknown) => {
        over();
        reject(AlcoveError.from(error));
        leave();
      },
    );
  });
}

/** What is thrown at once is a rejection like any other. */
const begin = async <T>(work: (end: EndSignal) => Promise<T>, end: EndSignal): Promise<T> => work(end);
