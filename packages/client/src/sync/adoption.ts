import { AlcoveError } from '@alcove/core/error';
import { HELLO_CLIENTS_MAX } from '@alcove/core/protocol/client-message';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { Outbox } from '../outbox/outbox.ts';
import type { LeftClient } from './join-names.ts';

export interface AdoptionOptions {
  readonly runtime: Pick<Runtime, 'log' | 'setTimer'>;
  readonly outbox: Pick<Outbox, 'has' | 'hello'>;
  /** Reads what is left of clients; those of which nothing is known are not among the answers. */
  left(clientIds: readonly string[]): Promise<readonly LeftClient[]>;
  /** Makes them this tab's, in one change: all of them, or it throws and they are as they were. */
  take(left: readonly LeftClient[]): void;
}

/** Clients that this tab speaks for at most, its own among them; what a hello may name beyond is for those that it has to issue again under a new name. */
export const SPOKEN_FOR_MAX = HELLO_CLIENTS_MAX - 16;
/** For fewer no session is begun anew, unless it is the rest. */
const TOGETHER_MIN = 64;
/** Locks of dead tabs are granted one after the other; those granted within this time are taken over together. */
const GATHER_MS = 20;

/**
 * Takes over what dead tabs left, as far as one session can speak for: the others stay on the disk, shown as they were, until there is room. Clients that are asked
 * for together are read and taken together: each time a session begins anew and what is shown may have to be run again.
 */
export class Adoption {
  readonly #options: AdoptionOptions;
  /** In the order they were asked for. */
  readonly #waiting = new Set<string>();
  #soon: Timer | null = null;
  #isReading = false;
  #isClosed = false;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** This client's page is gone, and nobody else speaks for it. */
  ask(clientId: string): void {
    if (this.#isClosed || this.#options.outbox.has(clientId)) return;
    this.#waiting.add(clientId);
    this.#soon ??= this.#options.runtime.setTimer(GATHER_MS, () => {
      this.#soon = null;
      this.goOn();
    });
  }

  /** There may be room; costs nothing while nobody waits. */
  goOn(): void {
    if (this.#isClosed || this.#isReading || this.#soon !== null || this.#waiting.size === 0) return;
    const room = SPOKEN_FOR_MAX - this.#options.outbox.hello('').length;
    if (room < Math.min(this.#waiting.size, TOGETHER_MIN)) return;
    const clientIds = [...this.#waiting].slice(0, room);
    this.#isReading = true;
    this.#options.left(clientIds).then(
      (left) => this.#read(clientIds, left),
      (cause: unknown) => this.#failed(clientIds, cause),
    );
  }

  #read(clientIds: readonly string[], left: readonly LeftClient[]): void {
    this.#isReading = false;
    if (this.#isClosed) return;
    for (const clientId of clientIds) this.#waiting.delete(clientId);
    try {
      this.#options.take(left.filter(({ client }) => !this.#options.outbox.has(client.clientId)));
    } catch (cause) {
      return this.#failed(clientIds, cause);
    }
    this.goOn();
  }

  /** They are where they were; whoever has their locks asks again when the disk is looked at the next time. */
  #failed(clientIds: readonly string[], cause: unknown): void {
    this.#isReading = false;
    for (const clientId of clientIds) this.#waiting.delete(clientId);
    const { code, message } = AlcoveError.from(cause);
    this.#options.runtime.log.error('what other tabs left could not be taken over', { clients: clientIds.length, code, message });
  }

  close(): void {
    this.#isClosed = true;
    this.#soon?.cancel();
  }
}
