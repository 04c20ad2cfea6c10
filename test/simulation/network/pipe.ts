import type { VirtualTime } from '../../fake/virtual-time.ts';

export interface PipeConditions {
  /** Of the next item, in ms. Order is kept whatever it says: a socket is a stream. */
  latencyMs(): number;
  /** Null: as fast as it comes. */
  bytesPerMs: number | null;
}

interface Queued<Item> {
  readonly item: Item;
  readonly bytes: number;
}

/** One direction of a link: items leave at the link's rate, travel for some time and arrive in order, or never. */
export class Pipe<Item> {
  readonly #time: VirtualTime;
  readonly #conditions: PipeConditions;
  readonly #arrive: (item: Item) => void;
  readonly #queue: Queued<Item>[] = [];
  #queuedBytes = 0;
  #pumping = false;
  #stalledUntilMs = 0;
  #lastArrivalMs = 0;
  #silent = false;
  #cut = false;
  #lost = false;

  constructor(time: VirtualTime, conditions: PipeConditions, arrive: (item: Item) => void) {
    this.#time = time;
    this.#conditions = conditions;
    this.#arrive = arrive;
  }

  /** Bytes that wait to leave. */
  get bufferedBytes(): number {
    return this.#queuedBytes;
  }

  send(item: Item, bytes: number): void {
    if (this.#cut) return;
    this.#queue.push({ item, bytes });
    this.#queuedBytes += bytes;
    if (!this.#pumping) this.#pump();
  }

  /** Nothing leaves before that time; what waits stays in the sender's buffer. */
  stallUntil(atMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, atMs);
  }

  /** From now on everything is swallowed, and nobody is told: a link that is open on one side only. */
  silence(): void {
    this.#silent = true;
  }

  /** Nothing more leaves. What travels already arrives, or is lost with the rest: a message cut in the middle never arrives. */
  cut(keepTravelling: boolean): void {
    this.#cut = true;
    this.#lost ||= !keepTravelling;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  #pump(): void {
    const next = this.#queue[0];
    if (next === undefined) return;
    const rate = this.#conditions.bytesPerMs;
    const waitMs = Math.max(0, this.#stalledUntilMs - this.#time.nowMs) + (rate === null ? 0 : next.bytes / rate);
    if (waitMs === 0) return this.#leave();
    this.#pumping = true;
    this.#time.setTimer(waitMs, () => {
      this.#pumping = false;
      if (this.#time.nowMs < this.#stalledUntilMs) return this.#pump();
      this.#leave();
    });
  }

  #leave(): void {
    const queued = this.#queue.shift();
    if (queued === undefined) return;
    this.#queuedBytes -= queued.bytes;
    if (!this.#silent) {
      const atMs = Math.max(this.#lastArrivalMs, this.#time.nowMs + this.#conditions.latencyMs());
      this.#lastArrivalMs = atMs;
      this.#time.setTimer(atMs - this.#time.nowMs, () => {
        if (!this.#lost && !this.#silent) this.#arrive(queued.item);
      });
    }
    this.#pump();
  }
}
