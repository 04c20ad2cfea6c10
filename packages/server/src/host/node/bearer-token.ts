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

  /** Whether the request has it in its Authorization header. */
  isIn({ headers }: IncomingMessage): boolean {
    const [, token] = /^Bearer (\S+)$/i.exec(headers.authorization ?? '') ?? [];
    return token !== undefined && this.is(token);
  }
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
