import { AlcoveError } from '@alcove/core/error';
import { backoffMs } from '@alcove/core/retry/backoff';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { AnsweredRoom } from './answered-rooms.ts';
import type { DigestLooks } from './digest-looks.ts';
import { EndSource } from './end-source.ts';
import { afterCheck, afterFailedCheck, lags } from './replica-state.ts';
import type { RouterLimits } from './router-limits.ts';
import { runBounded } from './run-bounded.ts';
import type { WatchedReplica } from './watched-replica.ts';

/** However many reads fail at once, a replica is not looked at more often. */
const CHECK_GAP_MS = 1_000;
/** Of one that is down, or far behind: it may be a restart. */
const DOWN_BASE_MS = 1_000;

interface Watch {
  readonly replica: WatchedReplica;
  readonly end: EndSource;
  timer: Timer | null;
  /** Monotonic: when it is due. */
  dueMs: number;
  running: Promise<void> | null;
  /** Beside the looks: it may take long, and a replica that goes is to be noticed meanwhile. */
  comparing: Promise<void> | null;
  /** Beside both: a room that is large may take minutes, and the others are not to wait for it. */
  comparingLarge: Promise<void> | null;
  /** Comparisons in a row that found it wrong. */
  wrongs: number;
  startedMs: number;
  /** In a row. */
  failures: number;
  /** Looks in a row that found it too far behind. */
  lates: number;
}

/**
 * Looks at each replica now and then, and soon after an error: whether it answers, and how old what it last applied is. One look at a time for each. The primary's readers are never behind and may be
 * processes that run only while there are reads: they are looked at after an error alone, and until they are well.
 */
export class ReplicaChecks {
  readonly #runtime: Runtime;
  readonly #limits: RouterLimits;
  readonly #digests: DigestLooks;
  readonly #watches = new Map<string, Watch>();

  constructor(runtime: Runtime, limits: RouterLimits, digests: DigestLooks) {
    this.#runtime = runtime;
    this.#limits = limits;
    this.#digests = digests;
  }

  /** The first look is at once, where there is one without an error. */
  begin(replica: WatchedReplica): void {
    const watch: Watch = {
      replica,
      end: new EndSource(),
      timer: null,
      dueMs: Number.POSITIVE_INFINITY,
      running: null,
      comparing: null,
      comparingLarge: null,
      wrongs: 0,
      startedMs: Number.NEGATIVE_INFINITY,
      failures: 0,
      lates: 0,
    };
    this.#watches.set(replica.id, watch);
    if (!replica.state.settings.isPrimary) void this.#look(watch);
  }

  end(id: string): void {
    const watch = this.#watches.get(id);
    this.#watches.delete(id);
    watch?.timer?.cancel();
    watch?.end.end();
  }

  /** A read of it failed. */
  soon(id: string): void {
    const watch = this.#watches.get(id);
    if (watch === undefined || watch.running !== null) return;
    const waitMs = Math.max(0, watch.startedMs + CHECK_GAP_MS - this.#runtime.monotonicMs());
    // It is looked at again and again already.
    if (watch.failures > 0 || this.#runtime.monotonicMs() + waitMs >= watch.dueMs) return;
    this.#schedule(watch, waitMs);
  }

  /**
   * Looks at it now; resolves when that is done, comparisons included, whatever was found.
   * @param room Is compared as well, whether it was read or not. @throws AlcoveError (as rejection) `option_invalid` where it has nothing to be compared with
   */
  async now(id: string, room?: AnsweredRoom): Promise<void> {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    watch.timer?.cancel();
    await this.#look(watch);
    await watch.comparing;
    if (room !== undefined && !watch.replica.state.isDown) await this.#digests.compare(watch.replica, room, watch.end.signal);
  }

  #schedule(watch: Watch, waitMs: number): void {
    watch.timer?.cancel();
    watch.dueMs = this.#runtime.monotonicMs() + waitMs;
    if (watch.dueMs === Number.POSITIVE_INFINITY) return;
    watch.timer = this.#runtime.setTimer(waitMs, () => void this.#look(watch));
  }

  #look(watch: Watch): Promise<void> {
    watch.running ??= this.#run(watch).finally(() => {
      watch.running = null;
      if (!watch.end.signal.aborted) this.#schedule(watch, this.#nextMs(watch));
    });
    return watch.running;
  }

  async #run(watch: Watch): Promise<void> {
    const { replica, end } = watch;
    watch.startedMs = this.#runtime.monotonicMs();
    try {
      const check = (signal: EndSource['signal']) => replica.replica.check(signal);
      const lag = await runBounded(this.#runtime, `the check of ${replica.id}`, check, this.#limits.failoverTimeoutMs, end.signal);
      this.#found(watch, replica.state.isDown);
      replica.state = afterCheck(replica.state, lag, this.#runtime.monotonicMs());
      watch.lates = !replica.state.settings.isPrimary && lags(replica.state, this.#limits) ? watch.lates + 1 : 0;
      if (replica.state.settings.isPrimary) replica.probedByCheck();
      else this.#compare(watch);
    } catch (cause) {
      this.#failed(watch, AlcoveError.from(cause));
    }
    replica.places.admit();
  }

  #compare(watch: Watch): void {
    const { replica, end } = watch;
    watch.comparing ??= this.#digests.look(replica, end.signal).finally(() => {
      watch.comparing = null;
      watch.wrongs = replica.state.isWrong ? watch.wrongs + 1 : 0;
      // It comes back with the look that finds it right.
      if (watch.wrongs > 0 && !end.signal.aborted) this.#noLaterThan(watch, this.#againMs(watch.wrongs));
    });
    watch.comparingLarge ??= this.#digests.large(replica, end.signal).finally(() => {
      watch.comparingLarge = null;
    });
  }

  #noLaterThan(watch: Watch, waitMs: number): void {
    if (watch.running === null && this.#runtime.monotonicMs() + waitMs < watch.dueMs) this.#schedule(watch, waitMs);
  }

  #found(watch: Watch, wasDown: boolean): void {
    watch.failures = 0;
    if (wasDown) this.#runtime.log.info('a replica is back', { replica: watch.replica.id });
  }

  #failed(watch: Watch, error: AlcoveError): void {
    const { replica, startedMs } = watch;
    if (watch.end.signal.aborted) return;
    // Its places may be full of long reads, and the look wait behind them: as long as reads are answered it is there.
    if (error.limit !== undefined && replica.answeredMs >= startedMs) return;
    watch.failures += 1;
    if (!replica.state.isDown)
      this.#runtime.log.info('a replica is down', { replica: replica.id, code: error.code, message: error.message });
    replica.state = afterFailedCheck(replica.state, replica.failedAs(error), this.#runtime.monotonicMs());
    replica.places.dismiss(new AlcoveError('replica_unavailable', `${replica.id} is down: ${error.message}`));
  }

  /** Spread a little, so that the looks of a fleet do not fall together. */
  #nextMs({ failures, lates, replica }: Watch): number {
    const { checkIntervalMs } = this.#limits;
    const random = this.#runtime.random();
    if (failures === 0 && replica.state.settings.isPrimary) return Number.POSITIVE_INFINITY;
    // It may catch up within moments, as after a restart of the primary.
    if (failures === 0 && lates > 0) return this.#againMs(lates);
    if (failures === 0) return checkIntervalMs * (0.8 + random / 5);
    return this.#againMs(failures);
  }

  #againMs(attempt: number): number {
    const { checkIntervalMs } = this.#limits;
    const baseMs = Math.min(DOWN_BASE_MS, checkIntervalMs);
    return Math.max(baseMs / 4, backoffMs(attempt, this.#runtime.random(), undefined, { baseMs, maxMs: checkIntervalMs }));
  }
}
