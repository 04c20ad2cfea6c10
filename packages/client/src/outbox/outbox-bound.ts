import { AlcoveError } from '@alcove/core/error';

export interface OutboxLimits {
  readonly outboxMutationsMax: number;
  readonly outboxBytesMax: number;
  readonly pushWindowMutationsMax: number;
}

/** Pending on this device beside what the outbox holds: of other tabs. */
export interface PendingBeside {
  readonly count: number;
  readonly bytes: number;
}

/** How much is pending, and whether more may be. What is there already is never refused. */
export class OutboxBound {
  readonly #limits: OutboxLimits;
  readonly #beside: PendingBeside;
  #count = 0;
  #bytes = 0;

  /** `beside` counts, too, as it is when it is looked at. */
  constructor(limits: OutboxLimits, beside: PendingBeside) {
    this.#limits = limits;
    this.#beside = beside;
  }

  /** Mutations in the outbox. */
  get count(): number {
    return this.#count;
  }

  added(bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
  }

  removed(bytes: number): void {
    this.#count -= 1;
    this.#bytes -= bytes;
  }

  /** @throws AlcoveError `outbox_full` where so many more, of `bytes` together, are too many or too large. */
  assertRoomFor(mutations: number, bytes: number): void {
    const { outboxMutationsMax, outboxBytesMax } = this.#limits;
    const count = this.#count + this.#beside.count;
    const besides = this.#beside.count > 0 ? `, ${this.#beside.count} of them of other tabs` : '';
    if (count + mutations > outboxMutationsMax)
      throw new AlcoveError('outbox_full', `${count} mutations are pending${besides}; the bound is ${outboxMutationsMax}`);
    const pendingBytes = this.#bytes + this.#beside.bytes;
    if (pendingBytes + bytes > outboxBytesMax)
      throw new AlcoveError(
        'outbox_full',
        `the ${count} pending mutations have ${pendingBytes} bytes${besides}; the bound is ${outboxBytesMax}`,
      );
  }
}
