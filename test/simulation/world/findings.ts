import type { Trace } from './trace.ts';

/** A promise that did not hold. `invariant` is its number in docs/SIMULATION.md. */
export interface Finding {
  readonly invariant: string;
  readonly message: string;
  readonly atMs: number;
}

const FINDINGS_MAX = 20;

/**
 * What the checks found. They report instead of throwing: many run inside calls of product code, which would take a throw for a failure of its own.
 * The run ends at the next step after the first report.
 */
export class Findings {
  readonly list: Finding[] = [];
  readonly #trace: Trace;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  get any(): boolean {
    return this.list.length > 0;
  }

  report(invariant: string, message: string): void {
    this.#trace.add('!', `${invariant} ${message}`);
    if (this.list.length < FINDINGS_MAX) this.list.push({ invariant, message, atMs: this.#trace.nowMs });
  }

  /** Reports unless `holds`; the message is made only where it is needed. */
  check(holds: boolean, invariant: string, message: () => string): void {
    if (!holds) this.report(invariant, message());
  }
}
