import { AlcoveError } from '@alcove/core/error';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Prng } from '../../fake/prng.ts';

/** What a user may be: by it the rules say what is seen. */
interface Grant {
  readonly team: string;
  readonly level: number;
}

const TEAMS = ['red', 'blue'] as const;
const LEVEL_MAX = 2;
/** How long a token is good, where they run out at all. */
const TOKEN_MS = { min: 1_500, max: 6_000 };
/** Of tokens that run out so many have already: the app did not notice that its user was signed out. */
const STALE_SHARE = 0.1;

/** Who hands out tokens, and what stands in them. A user's claims change while older tokens of theirs are still good. */
export class Grants {
  readonly #random: Prng;
  readonly #wallMs: () => number;
  readonly #hasClaims: boolean;
  readonly #grants = new Map<string, Grant>();
  #runOut: boolean;

  /** @param hasClaims False: a token says who somebody is, and nothing else. @param runOut Tokens are good for some seconds. */
  constructor(random: Prng, wallMs: () => number, hasClaims: boolean, runOut: boolean) {
    this.#hasClaims = hasClaims;
    this.#random = random;
    this.#wallMs = wallMs;
    this.#runOut = runOut;
  }

  /** From now on whoever asks for a token is another. */
  change(user: string): void {
    this.#grants.set(user, { team: this.#random.pick(TEAMS), level: this.#random.int(0, LEVEL_MAX) });
  }

  of(user: string): Grant {
    const known = this.#grants.get(user);
    if (known !== undefined) return known;
    this.change(user);
    return this.of(user);
  }

  token(user: string): string {
    if (!this.#hasClaims) return user;
    const grant = this.of(user);
    if (!this.#runOut) return JSON.stringify({ sub: user, ...grant });
    // By `exp` tabs know when to ask for the next one; by another claim the server alone knows.
    const end = this.#random.chance(0.5) ? { exp: this.#endMs() / 1_000 } : { until: this.#endMs() };
    return JSON.stringify({ sub: user, ...grant, ...end });
  }

  #endMs(): number {
    return this.#wallMs() + (this.#random.chance(STALE_SHARE) ? -1 : this.#random.int(TOKEN_MS.min, TOKEN_MS.max));
  }

  /** What a token says, for as long as it is good. @throws AlcoveError `unauthenticated` */
  claimsOf(token: string | null): Claims {
    if (!this.#hasClaims && token !== null) return { sub: token };
    const claims = JSON.parse(token ?? '{}') as Claims; // made by `token`
    if (typeof claims.sub !== 'string' || this.isOver(claims)) throw new AlcoveError('unauthenticated', 'the token has run out');
    return claims;
  }

  /** What stands in a token, good or not. */
  saidIn(token: string | null): Claims {
    if (!this.#hasClaims) return token === null ? {} : { sub: token };
    return JSON.parse(token ?? '{}') as Claims; // made by `token`
  }

  /** For how long; null: for ever. */
  leftMs({ exp, until }: Claims): number | null {
    const endMs = typeof exp === 'number' ? exp * 1_000 : until;
    return typeof endMs === 'number' ? endMs - this.#wallMs() : null;
  }

  isOver(claims: Claims): boolean {
    return (this.leftMs(claims) ?? 1) <= 0;
  }

  /** Whether claims say what their user is now. */
  isToday(user: string, claims: Claims | null): boolean {
    const { team, level } = this.of(user);
    return !this.#hasClaims || (claims?.['team'] === team && claims['level'] === level);
  }

  /** Tokens are good for ever from now on. */
  heal(): void {
    this.#runOut = false;
  }
}
