import { breakerAt } from './breaker.ts';
import { breakerOf, type ReplicaState } from './replica-state.ts';
import type { RouterSettings } from './router-options.ts';

/** A longer wait helps nobody: things come back that nobody foresaw. */
const RETRY_AFTER_MS_MAX = 30_000;

/** When it is worth asking again, where nobody can be asked: when the first breaker lets a read through, else soon. */
export function retryAfterMsOf(states: readonly ReplicaState[], operationClass: string, nowMs: number, settings: RouterSettings): number {
  const opens = states.flatMap((state) => {
    const breaker = breakerAt(breakerOf(state, operationClass), nowMs, settings.breaker);
    return breaker.state === 'open' ? [breaker.untilMs - nowMs] : [settings.limits.retryAfterMs];
  });
  const soonest = Math.min(RETRY_AFTER_MS_MAX, ...opens);
  return Math.ceil(Math.max(settings.limits.retryAfterMs, soonest));
}
