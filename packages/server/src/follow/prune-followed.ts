import type { Runtime } from '@alcove/core/runtime/runtime';
import type { FollowedRoom } from './followed-room.ts';

const BOUNDS = {
  versionsMax: 100_000,
  bytesMax: 64_000_000,
  ageMsMax: 30 * 86_400_000,
  keptHashEvery: 1_000,
};
const PRUNE_EVERY_MS = 60_000;

/** Keeps the log of a followed room within the bounds of a room's own: a bit at a time, once a minute until nothing is left to drop. */
export class FollowedPruning {
  readonly #runtime: Runtime;
  #prunedMs = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** To be called whenever versions were taken. @param keepAbove Somebody is told of the versions above it from the log. */
  after(room: FollowedRoom, keepAbove = Number.MAX_SAFE_INTEGER): void {
    const nowMs = this.#runtime.monotonicMs();
    if (nowMs - this.#prunedMs < PRUNE_EVERY_MS) return;
    if (!room.prune({ ...BOUNDS, keepAbove }, this.#runtime.nowMs())) this.#prunedMs = nowMs;
  }
}
