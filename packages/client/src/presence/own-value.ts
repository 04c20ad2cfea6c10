import type { Json } from '@alcove/core/json';

/** What the room answered an offer. */
export interface Taken {
  readonly boot: string;
  readonly seq: number;
}

/** A value as rows or the room's memory have it; the higher seq is the later one. */
export interface SeenValue {
  readonly value: Json;
  readonly seq: number;
}

/** What this tab set of one value and does not know to be written. */
export interface OwnValue {
  /** Nothing is left to be written. */
  readonly isWritten: boolean;
  /** What to offer now, or again. */
  readonly toOffer: Json;
  /** The number of the newest offer; 0: none was made. */
  readonly offer: number;
  readonly taken: Taken | null;
  /** Marks what `toOffer` is as offered under a number. */
  offered(offer: number): void;
  takenAs(offer: number, taken: Taken): void;
  /** The row was seen at `seq`, in the room's start `boot`. */
  seenWritten(seq: number, boot: string): void;
  /** What is shown on top of what others see. */
  shown(below: SeenValue | null, boot: string): Json | undefined;
  /** The room refused an offer: it and what came before is taken back. */
  refused(offer: number): void;
}

/** A plain value: the last set wins. */
export class OwnPlainValue implements OwnValue {
  #isWritten = true;
  #value: Json = null;
  #toOffer: Json = null;
  #offer = 0;
  #taken: Taken | null = null;
  #isOffered = false;

  /** `input` travels, `value` is shown. */
  set(input: Json, value: Json): void {
    this.#toOffer = input;
    this.#value = value;
    this.#isWritten = false;
    this.#isOffered = false;
    this.#taken = null;
  }

  get isWritten(): boolean {
    return this.#isWritten;
  }

  get toOffer(): Json {
    return this.#toOffer;
  }

  get offer(): number {
    return this.#offer;
  }

  get taken(): Taken | null {
    return this.#taken;
  }

  offered(offer: number): void {
    this.#offer = offer;
    this.#isOffered = true;
  }

  takenAs(offer: number, taken: Taken): void {
    if (offer === this.#offer && this.#isOffered) this.#taken = taken;
  }

  /** A row at least as new as the offer holds it, or one set after it. */
  seenWritten(seq: number): void {
    if (this.#taken !== null && seq >= this.#taken.seq) this.#isWritten = true;
  }

  shown(below: SeenValue | null): Json | undefined {
    return this.#isWritten ? below?.value : this.#value;
  }

  refused(offer: number): void {
    if (offer === this.#offer && this.#isOffered) this.#isWritten = true;
  }
}

/** What a client added to a counter since it began, and how much of that is known to be part of the row. */
export interface CounterTotals {
  readonly total: number;
  readonly written: number;
}

interface OfferedTotal {
  readonly offer: number;
  readonly total: number;
  taken: Taken | null;
}

/**
 * A counter: what this client added since it began, as one running total, so that offering it again adds nothing. What others see holds some earlier total of
 * it; the rest is shown on top.
 */
export class OwnCounter implements OwnValue {
  #total: number;
  /** The total that is part of the row for good. */
  #written: number;
  /** Offers that are not known to be written, oldest first. */
  #offers: OfferedTotal[] = [];
  #offer = 0;
  /** What the room took last may be what was taken back since: the total has to be offered whatever it is. */
  #isUnsure: boolean;

  /** Goes on from what an earlier engine of the same client came to. */
  constructor(before: CounterTotals | null = null) {
    this.#total = before?.total ?? 0;
    this.#written = before?.written ?? 0;
    this.#isUnsure = before !== null;
  }

  get totals(): CounterTotals {
    return { total: this.#total, written: this.#written };
  }

  add(delta: number): void {
    this.#total += delta;
  }

  /** An offer that is on its way counts, too: the room may have taken what was since taken back. */
  get isWritten(): boolean {
    return this.#total === this.#written && this.#offers.length === 0 && !this.#isUnsure;
  }

  get toOffer(): Json {
    return this.#total;
  }

  get offer(): number {
    return this.#offer;
  }

  get taken(): Taken | null {
    return this.#offers.at(-1)?.taken ?? null;
  }

  offered(offer: number): void {
    this.#isUnsure = false;
    this.#offer = offer;
    this.#offers.push({ offer, total: this.#total, taken: null });
  }

  takenAs(offer: number, taken: Taken): void {
    const at = this.#offers.find((own) => own.offer === offer);
    if (at !== undefined) at.taken = taken;
  }

  /** Only answers of this start of the room count: an earlier one may have died with the total unwritten. */
  seenWritten(seq: number, boot: string): void {
    const written = this.#offers.findLast(({ taken }) => taken !== null && taken.boot === boot && taken.seq <= seq);
    if (written === undefined) return;
    this.#written = written.total;
    this.#offers = this.#offers.filter(({ offer }) => offer > written.offer);
  }

  shown(below: SeenValue | null, boot: string): Json {
    const included = this.#offers.findLast(({ taken }) => taken !== null && taken.boot === boot && taken.seq <= (below?.seq ?? -1));
    return Number(below?.value ?? 0) + this.#total - (included?.total ?? this.#written);
  }

  refused(offer: number): void {
    const refused = this.#offers.find((own) => own.offer === offer);
    if (refused === undefined) return;
    this.#offers = this.#offers.filter((own) => own.taken !== null);
    // What was added since goes on from what the room took last.
    this.#total += (this.#offers.at(-1)?.total ?? this.#written) - refused.total;
  }

  /** The room took nothing of the offer and may take the total later, by another. */
  refusedForNow(offer: number): void {
    this.#offers = this.#offers.filter((own) => own.offer !== offer);
    this.#isUnsure = true;
  }

  /** The same additions, as a client that the room counts from 0. */
  restarted(): OwnCounter {
    return new OwnCounter({ total: this.#total - this.#written, written: 0 });
  }
}
