import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A secret that callers bring. Compared by hashes, so that neither length nor content shows in the time it takes. */
export class BearerToken {
  readonly #hash: Buffer;

  constructor(token: string) {
    this.#hash = hashOf(token);
  }

  is(token: string): boolean {
    return timingSafeEqual(hashOf(token), this.#hash);
  }

  /** What a request has as one in its Authorization header. */
  static in({ headers }: IncomingMessage): string | null {
    return /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
  }
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
