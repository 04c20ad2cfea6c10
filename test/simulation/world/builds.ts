import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Prng } from '../../fake/prng.ts';
import { playground } from '../room/playground.ts';
import { playgroundNext } from '../room/playground-next.ts';

/** A release of the app, on the server or in a tab. */
export interface Build {
  readonly isNewer: boolean;
  readonly room: AnyRoom;
}

export const OLDER: Build = { isNewer: false, room: playground };
export const NEWER: Build = { isNewer: true, room: playgroundNext };

/** Which release runs where. Where old builds are no part of the run there is one. */
export class Builds {
  /** The server's, from its next start on. */
  ofRoom: Build = OLDER;
  readonly #random: Prng;
  readonly #areTwo: boolean;
  /** From now on all pages are loaded from where the newer one is. */
  isOut = false;

  constructor(random: Prng, areTwo: boolean) {
    this.#random = random;
    this.#areTwo = areTwo;
  }

  get areTwo(): boolean {
    return this.#areTwo;
  }

  /** What knows all mutators there are: the oracle. */
  get newest(): Build {
    return this.#areTwo ? NEWER : OLDER;
  }

  /** Of a page that is loaded now: some get the newer one before the server has it. */
  ofPage(): Build {
    return this.#areTwo && (this.isOut || this.#random.chance(0.5)) ? NEWER : OLDER;
  }
}
