import { AlcoveError } from '@alcove/core/error';
import type { PageLocks } from '../../../packages/client/src/page/room-locks.ts';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { SimProcess } from '../world/sim-process.ts';

interface Asked {
  readonly owner: SimProcess;
  readonly grant: (release: () => void) => void;
  /** Its owner knows that it has it: nothing but giving it back, or the owner's end, takes it away. */
  isGranted: boolean;
}

/** One browser's Web Locks: each name has one owner at a time, in the order they asked. A process that is gone loses its own some time later; one that sleeps keeps them. */
export class SimLocks {
  readonly #time: VirtualTime;
  readonly #random: Prng;
  /** The first of each list has it. */
  readonly #asked = new Map<string, Asked[]>();

  constructor(time: VirtualTime, random: Prng) {
    this.#time = time;
    this.#random = random;
  }

  /** As a page sees them. */
  of(page: SimProcess): PageLocks {
    return {
      hold: (name, signal) =>
        new Promise((resolve, reject) => {
          if (signal.aborted) return reject(new AlcoveError('closed', `nobody waits for the lock ${name}`));
          const asked = this.#ask(name, page, resolve);
          signal.addEventListener('abort', () => {
            if (asked.isGranted) return;
            this.#leave(name, asked);
            reject(new AlcoveError('closed', `nobody waits for the lock ${name}`));
          });
        }),
    };
  }

  /** Null where another has it. */
  try(name: string, worker: SimProcess): Promise<(() => void) | null> {
    if ((this.#asked.get(name) ?? []).length > 0) return Promise.resolve(null);
    return new Promise((resolve) => this.#ask(name, worker, resolve));
  }

  /** Names that somebody has, with their owners. */
  held(): { readonly name: string; readonly owner: SimProcess }[] {
    return [...this.#asked].flatMap(([name, [first]]) => (first === undefined ? [] : [{ name, owner: first.owner }]));
  }

  #ask(name: string, owner: SimProcess, grant: Asked['grant']): Asked {
    const asked: Asked = { owner, grant, isGranted: false };
    const list = this.#asked.get(name) ?? [];
    this.#asked.set(name, list);
    list.push(asked);
    owner.onKilled(() => void this.#time.setTimer(this.#random.float() * 50, () => this.#leave(name, asked)));
    if (list.length === 1) this.#grant(name, asked);
    return asked;
  }

  #grant(name: string, asked: Asked): void {
    this.#time.setTimer(this.#random.float() * 2, () =>
      asked.owner.enter(() => {
        if (this.#asked.get(name)?.[0] !== asked) return;
        asked.isGranted = true;
        asked.grant(() => this.#leave(name, asked));
      }),
    );
  }

  #leave(name: string, asked: Asked): void {
    const list = this.#asked.get(name) ?? [];
    const at = list.indexOf(asked);
    if (at === -1) return;
    list.splice(at, 1);
    const next = list[0];
    if (next === undefined) this.#asked.delete(name);
    else if (at === 0) this.#grant(name, next);
  }
}
