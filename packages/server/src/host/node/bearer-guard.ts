import type { IncomingMessage } from 'node:http';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import { TokenBucket } from '../../limits/token-bucket.ts';
import { BearerToken } from './bearer-token.ts';

export interface BearerGuardOptions {
  /** Or several: each lets in. */
  readonly token: string | readonly string[];
  /** In words: "the admin token". */
  readonly name: string;
  readonly limits: { readonly wrongTokensPerMinuteMax: number };
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'log'>;
  readonly meter?: LimitMeter;
}

const TELL_AGAIN_MS = 60_000;

/** Lets in who brings a token, always; who brings a wrong one is counted, told to the log once a minute, and past a rate told to wait. */
export class BearerGuard {
  readonly #options: BearerGuardOptions;
  readonly #tokens: readonly BearerToken[];
  readonly #wrong: TokenBucket;
  #untold = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: BearerGuardOptions) {
    const { token, limits, runtime } = options;
    const { wrongTokensPerMinuteMax: burst } = limits;
    this.#options = options;
    this.#tokens = [token].flat().map((one) => new BearerToken(one));
    this.#wrong = new TokenBucket({ perSecond: burst / 60, burst, nowMs: runtime.monotonicMs() });
  }

  /** Why a request is turned away: `unauthenticated` in the caller's words (HTTP 401), `rate_limited` (429); null for the right token. */
  refusal(request: IncomingMessage, message: string, hint?: string): AlcoveError | null {
    const brought = BearerToken.in(request);
    if (brought !== null && this.#tokens.some((token) => token.is(brought))) return null;
    const tooMany = brought === null ? null : this.#count();
    return tooMany ?? new AlcoveError('unauthenticated', message, hint === undefined ? {} : { hint });
  }

  #count(): AlcoveError | null {
    const { name, limits, runtime, meter } = this.#options;
    const nowMs = runtime.monotonicMs();
    this.#tell(nowMs);
    if (this.#wrong.available(nowMs) > 0) {
      this.#wrong.take(1, nowMs);
      return null;
    }
    const limit = 'wrongTokensPerMinuteMax';
    meter?.met(limit);
    const message = `${limits.wrongTokensPerMinuteMax} requests a minute may bring something else than ${name}`;
    return new AlcoveError('rate_limited', message, { retryAfterMs: this.#wrong.waitMs(1, nowMs), limit });
  }

  /** The first at once, then those of a minute in one line. */
  #tell(nowMs: number): void {
    this.#untold += 1;
    if (nowMs - this.#toldMs < TELL_AGAIN_MS) return;
    const { name, runtime } = this.#options;
    runtime.log.info(`somebody brought something else than ${name}`, { requests: this.#untold });
    this.#toldMs = nowMs;
    this.#untold = 0;
  }
}
