import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AccessAction, AlcoveError, type Authenticate, type Authorize } from '@alcove/server/node';
import { editKey, lookKey, type Role, tokenFrom, type TripKey } from '../trip-key.ts';

/** In the data folder: whoever has it can make the keys of every trip there. */
export const SECRET_FILE = 'trip-keys';
const SECRET_BYTES = 32;
const PART_BYTES = 16;
const LOOKING: ReadonlySet<AccessAction['kind']> = new Set(['open', 'sql', 'presence', 'cursor']);

/** Who gets into which trip, and as what. Nothing is stored of keys: each is worked out of the server's secret and the trip's id. */
export class TripAccess {
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /**
   * With the secret of a data folder; made where there is none.
   * @throws AlcoveError `option_invalid` where it was cut short: with another one every link to these trips would be dead
   */
  static of(dataDir: string): TripAccess {
    const path = join(dataDir, SECRET_FILE);
    if (!existsSync(path)) {
      mkdirSync(dataDir, { recursive: true });
      writeFileSync(path, randomBytes(SECRET_BYTES).toString('hex'), { mode: 0o600, flag: 'wx' });
    }
    const text = readFileSync(path, 'utf8').trim();
    if (!/^[0-9a-f]{64}$/.test(text))
      throw new AlcoveError('option_invalid', `${path} is damaged: it has to hold ${SECRET_BYTES} bytes in hex`, {
        hint: 'Put it back from a copy. Or delete it: a new one is made, and every link that was handed out before is dead.',
      });
    return new TripAccess(Buffer.from(text, 'hex'));
  }

  /** The key to edit a trip, for whoever starts it; in it is the one to look. */
  keyFor(tripId: string): TripKey {
    return editKey(this.#part('edit', tripId), this.#part('look', tripId));
  }

  /**
   * A token is taken for whoever its visitor is; whether their key fits their trip stands in `role`. No sign-in is needed for that: a browser makes a secret up, and
   * is known by its hash, which others may see and cannot come in with.
   */
  readonly authenticate: Authenticate = (token) => {
    const said = tokenFrom(token ?? '');
    if (said === null) return null;
    const { visitorSecret, tripId, key } = said;
    return { sub: visitorIdOf(visitorSecret), trip: tripId, role: key !== null && this.#fits(key, tripId) ? key.role : null };
  };

  /** Who edits may do everything in their trip, and make it by coming in; who looks may come in, read, be seen and point. */
  readonly authorize: Authorize = (claims, { kind }, { id }) => {
    if (claims?.['trip'] !== id) return false;
    if (claims['role'] === 'edit') return true;
    return claims['role'] === 'look' && LOOKING.has(kind);
  };

  #fits({ role, text }: TripKey, tripId: string): boolean {
    const wanted = role === 'edit' ? this.keyFor(tripId) : lookKey(this.#part('look', tripId));
    return text.length === wanted.text.length && timingSafeEqual(Buffer.from(text), Buffer.from(wanted.text));
  }

  #part(role: Role, tripId: string): string {
    return createHmac('sha256', this.#secret).update(`${role} ${tripId}`).digest().subarray(0, PART_BYTES).toString('base64url');
  }
}

const visitorIdOf = (secret: string): string => createHash('sha256').update(`visitor ${secret}`).digest('base64url').slice(0, 22);
