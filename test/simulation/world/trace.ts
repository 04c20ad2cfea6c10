import { createHash } from 'node:crypto';

/** What happened in a run, in order: hashed whole, so that two runs of one seed can be compared, and kept as text for whoever looks. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #lines: string[] = [];
  readonly #linesMax: number;
  readonly #echo: ((line: string) => void) | null;
  #count = 0;
  readonly #now: () => number;

  /** @param now Virtual time. @param linesMax Newest lines kept. @param echo Called with every line, for `--trace`. */
  constructor(now: () => number, linesMax = 400, echo: ((line: string) => void) | null = null) {
    this.#now = now;
    this.#linesMax = linesMax;
    this.#echo = echo;
  }

  get nowMs(): number {
    return this.#now();
  }

  /** Somebody reads along: say more. */
  get isEchoed(): boolean {
    return this.#echo !== null;
  }

  get count(): number {
    return this.#count;
  }

  add(who: string, what: string): void {
    const line = `${this.nowMs.toFixed(3)} ${who} ${what}`;
    this.#count += 1;
    this.#hash.update(line);
    this.#echo?.(line);
    this.#lines.push(line);
    if (this.#lines.length > this.#linesMax * 2) this.#lines.splice(0, this.#lines.length - this.#linesMax);
  }

  /** Only hashed: bytes say nothing to a reader. */
  bytes(bytes: string | Uint8Array): void {
    this.#hash.update(bytes);
  }

  lines(): readonly string[] {
    return this.#lines.slice(-this.#linesMax);
  }

  /** Of everything so far. */
  digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
