import type { Runtime } from '@alcove/core/runtime/runtime';
import type { FollowedRoom } from './followed-room.ts';

const BOUNDS = {
  versionsMax: 100_000,
  bytesMax: 64_000_000,
  ageMsMax: 30 * 86_400_000,
  keptHashEvery: 1_000,
  keepAbove: Number.MAX_SAFE_INTEGER,
};
const PRUNE_EVERY_MS = 60_000;

/** Keeps the log of a followed room within the bounds of a room's own: a bit at a time, once a minute until nothing is left to drop. */
export class FollowedPruning {
  readonly #runtime: Runtime;
  #prunedMs = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** To be called whenever versions were taken. */
  after(room: FollowedRoom): void {
    const nowMs = this.#runtime.monotonicMs();
    if (nowMs - this.#prunedMs < PRUNE_EVERY_MS) return;
    if (!room.prune(BOUNDS, this.#runtime.nowMs())) this.#prunedMs = nowMs;
  }
}
