import { base64Url } from '@alcove/core/runtime/base64url';
import type { Logger } from '@alcove/core/runtime/logger';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import { createNodeRuntime } from '../../packages/server/src/host/node/node-runtime.ts';
import { CollectingLogger } from './collecting-logger.ts';
import { Prng } from './prng.ts';
import { VirtualTime } from './virtual-time.ts';

export interface FakeRuntimeOptions {
  readonly seed?: string | number;
  /** Shared by several runtimes of one simulation; a new one by default. */
  readonly time?: VirtualTime;
  /** Wall time at the start of the virtual time, in ms since 1970. */
  readonly startMs?: number;
  readonly log?: Logger;
}

/** 1 January 2027, 00:00 UTC. */
const START_MS = Date.UTC(2027, 0, 1);

/**
 * A runtime for tests: time moves only by `advance`, ids and random numbers come from a seed, the log is collected. Hashing, deflating and UTF-8 are
 * Node's real ones. Passes test/contract/runtime-contract.ts.
 */
export class FakeRuntime implements Runtime {
  readonly time: VirtualTime;
  readonly log: Logger;
  readonly hmacSha256: Runtime['hmacSha256'];
  readonly deflateRaw: Runtime['deflateRaw'];
  readonly inflateRaw: Runtime['inflateRaw'];
  readonly utf8: Runtime['utf8'];
  readonly #random: Prng;
  readonly #ids: Prng;
  #wallOffsetMs: number;

  constructor(options: FakeRuntimeOptions = {}) {
    const prng = new Prng(options.seed ?? 'fake-runtime');
    this.#random = prng.fork('random');
    this.#ids = prng.fork('ids');
    this.time = options.time ?? new VirtualTime();
    this.#wallOffsetMs = (options.startMs ?? START_MS) - this.time.nowMs;
    this.log = options.log ?? new CollectingLogger();
    const node = createNodeRuntime({ log: this.log });
    this.hmacSha256 = node.hmacSha256;
    this.deflateRaw = node.deflateRaw;
    this.inflateRaw = node.inflateRaw;
    this.utf8 = node.utf8;
  }

  nowMs(): number {
    return this.time.nowMs + this.#wallOffsetMs;
  }

  monotonicMs(): number {
    return this.time.nowMs;
  }

  setTimer(delayMs: number, fn: () => void): Timer {
    return this.time.setTimer(delayMs, fn);
  }

  random(): number {
    return this.#random.float();
  }

  newId(): string {
    return base64Url(this.#ids.bytes(16));
  }

  advance(ms: number): void {
    this.time.advance(ms);
  }

  advanceAsync(ms: number): Promise<void> {
    return this.time.advanceAsync(ms);
  }

  /** Sets the wall time forward or back; timers and the monotonic time do not notice. */
  jumpWallTime(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}
