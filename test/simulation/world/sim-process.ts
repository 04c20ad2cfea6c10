import type { LogFields, Logger } from '@alcove/core/runtime/logger';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import { FakeRuntime } from '../../fake/fake-runtime.ts';
import { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { Findings } from './findings.ts';
import type { Trace } from './trace.ts';

export interface ProcessSurroundings {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly findings: Findings;
  readonly seed: string;
}

/** On a busy machine time passes between any two lines: that often, and up to so long, before the clock is read. */
export interface Busy {
  readonly share: number;
  readonly maxMs: number;
}

/** It shares its processor with others. */
export const BUSY: Busy = { share: 0.03, maxMs: 6 };
/** Hardly two lines of it run in one go. */
export const SLOW: Busy = { share: 0.7, maxMs: 3 };

/**
 * One process of the simulated world: a server's, a page's or its worker's. Killed, nothing of it ever runs again; paused (a laptop's sleep, a long
 * garbage collection), what was due meanwhile runs in a burst when it goes on. Whatever product code throws into the void ends here, as a finding.
 */
export class SimProcess {
  readonly name: string;
  readonly fake: FakeRuntime;
  readonly runtime: Runtime;
  /** Error logs that are part of what was inflicted; any other is a finding: an error log means that a developer must look. */
  readonly expectedErrors: RegExp[] = [];
  readonly #around: ProcessSurroundings;
  /** Null: it is never held up. */
  readonly #heldUp: Prng | null;
  readonly #busy: Busy;
  #ranMs = 0;
  #alive = true;
  #pausedUntilMs = 0;
  #late: (() => void)[] = [];
  #onKilled: (() => void)[] = [];

  /** `busy`: null where it has a processor of its own. */
  constructor(name: string, around: ProcessSurroundings, startMs?: number, busy: Busy | null = null) {
    this.name = name;
    this.#heldUp = busy === null ? null : new Prng(`${around.seed}/${name}/busy`);
    this.#busy = busy ?? BUSY;
    this.#around = around;
    const { time, seed } = around;
    this.fake = new FakeRuntime({ seed: `${seed}/${name}`, time, log: this.#logger(), ...(startMs === undefined ? {} : { startMs }) });
    this.runtime = this.#runtimeOver(this.fake);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Nothing of it runs, ran lately, or should have run by now. */
  isQuietFor(ms: number): boolean {
    const { time } = this.#around;
    const isBehind = this.#late.length > 0 || (time.nextAtMs ?? Number.POSITIVE_INFINITY) <= time.nowMs;
    return !this.paused && !isBehind && time.nowMs - this.#ranMs >= ms;
  }

  get paused(): boolean {
    return this.#around.time.nowMs < this.#pausedUntilMs;
  }

  kill(): void {
    this.#alive = false;
    this.#late = [];
    for (const listener of this.#onKilled.splice(0)) listener();
  }

  /** What the platform does when the process is gone; at once, where it is. */
  onKilled(listener: () => void): void {
    if (this.#alive) this.#onKilled.push(listener);
    else listener();
  }

  pause(ms: number): void {
    const { time } = this.#around;
    const untilMs = time.nowMs + ms;
    if (untilMs <= this.#pausedUntilMs) return;
    this.#pausedUntilMs = untilMs;
    time.setTimer(ms, () => this.#goOn());
  }

  wake(): void {
    this.#pausedUntilMs = 0;
    this.#goOn();
  }

  /** Runs something that comes to the process from outside: now, when it goes on, or never. */
  enter(what: () => void): void {
    if (!this.#alive) return;
    if (this.paused || this.#late.length > 0) {
      this.#late.push(what);
      return;
    }
    this.#run(what);
  }

  #goOn(): void {
    while (this.#alive && !this.paused) {
      const next = this.#late.shift();
      if (next === undefined) return;
      this.#run(next);
    }
  }

  #run(what: () => void): void {
    try {
      what();
    } catch (error) {
      this.#around.findings.report(
        'crash',
        `${this.name} threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
    this.#ranMs = this.#around.time.nowMs;
  }

  #runtimeOver(fake: FakeRuntime): Runtime {
    return {
      nowMs: () => Math.floor(fake.nowMs()), // as Date.now gives it
      monotonicMs: () => {
        const { share, maxMs } = this.#busy;
        if (this.#heldUp?.chance(share) === true) this.#around.time.spend(this.#heldUp.float() * maxMs);
        return fake.monotonicMs();
      },
      setTimer: (delayMs: number, fn: () => void): Timer => {
        let cancelled = false;
        const timer = fake.setTimer(delayMs, () =>
          this.enter(() => {
            if (!cancelled) fn();
          }),
        );
        return {
          cancel: () => {
            cancelled = true;
            timer.cancel();
          },
        };
      },
      random: () => fake.random(),
      newId: () => fake.newId(),
      log: fake.log,
      hmacSha256: fake.hmacSha256,
      deflateRaw: fake.deflateRaw,
      inflateRaw: fake.inflateRaw,
      utf8: fake.utf8,
    };
  }

  #logger(): Logger {
    const line = (level: string, message: string, fields: LogFields = {}): string => `log ${level}: ${message} ${JSON.stringify(fields)}`;
    const { trace, findings } = this.#around;
    return {
      error: (message, fields) => {
        const text = line('error', message, fields);
        trace.add(this.name, text);
        if (this.#alive && !this.expectedErrors.some((pattern) => pattern.test(text))) findings.report('log', `${this.name}: ${text}`);
      },
      info: (message, fields) => trace.add(this.name, line('info', message, fields)),
      debug: (message, fields) => trace.add(this.name, line('debug', message, fields)),
    };
  }
}
