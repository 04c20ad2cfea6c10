import type { PageLocks } from '../../packages/client/src/page/room-locks.ts';

interface Waiting {
  readonly grant: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** The Web Locks of one browser: each name is held once, whoever asked first has it next. */
export class FakeLocks {
  readonly #queues = new Map<string, Waiting[]>();

  /** A page's way to them; `die` gives back all that the page holds or waits for, as its end does. */
  page(): PageLocks & { die(): void } {
    const ends = new Set<() => void>();
    return {
      hold: (name, signal) =>
        new Promise((resolve, reject) => {
          const end = (): void => {
            ends.delete(end);
            this.#leave(name, entry);
          };
          const entry: Waiting = { grant: () => resolve(end), refuse: reject };
          signal.addEventListener('abort', () => {
            if (this.#queues.get(name)?.[0] === entry) return; // held: given back by who has it
            end();
            entry.refuse(signal.reason);
          });
          ends.add(end);
          this.#join(name, entry);
        }),
      die: () => {
        for (const end of [...ends]) end();
      },
    };
  }

  #join(name: string, entry: Waiting): void {
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    queue.push(entry);
    if (queue.length === 1) entry.grant();
  }

  #leave(name: string, entry: Waiting): void {
    const queue = this.#queues.get(name) ?? [];
    const at = queue.indexOf(entry);
    if (at === -1) return;
    queue.splice(at, 1);
    if (at === 0) queue[0]?.grant();
  }
}
