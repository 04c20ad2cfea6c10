import type { Runtime } from '@alcove/core/runtime/runtime';
import type { EndSignal, ReplicaLag } from '../../read/replica.ts';
import type { PgPosition } from './pg-position.ts';
import { unavailable } from './read-failure.ts';
import { StandbyLag, whyNotReplica } from './standby-lag.ts';

export interface StandbyWatchParts {
  readonly id: string;
  readonly runtime: Runtime;
  /** Of the standby. @throws AlcoveError (as rejection) `replica_unavailable`, `closed` */
  readonly position: (signal: EndSignal) => Promise<PgPosition>;
  /** Of its primary; null: it cannot be asked. */
  readonly primary: (signal: EndSignal) => Promise<PgPosition | null>;
}

/** What a standby may take to apply what its primary had when it was asked, before it counts as lagging. */
const LEVEL_WITHIN_MS = 500;
const LEVEL_POLL_MS = 20;

/** Looks whether a standby is still one of its primary, and how old what it applied last is. */
export class StandbyWatch {
  readonly #parts: StandbyWatchParts;
  readonly #lag = new StandbyLag();

  constructor(parts: StandbyWatchParts) {
    this.#parts = parts;
  }

  /** @throws AlcoveError (as rejection) `replica_unavailable` for one that was promoted, or re-pointed to something else; `closed` */
  async look(signal: EndSignal): Promise<{ readonly lag: ReplicaLag; readonly position: PgPosition }> {
    const { id, runtime, primary } = this.#parts;
    const [head, found] = await Promise.all([primary(signal), this.#parts.position(signal)]);
    let position = found;
    const refusal = whyNotReplica(position, head);
    if (refusal !== null) throw unavailable(id, refusal);
    this.#lag.saw(head, runtime.monotonicMs());
    const untilMs = runtime.monotonicMs() + LEVEL_WITHIN_MS;
    while (head !== null && !this.#lag.isLevel(position) && runtime.monotonicMs() < untilMs) {
      await new Promise<void>((resolve) => runtime.setTimer(LEVEL_POLL_MS, resolve));
      position = await this.#parts.position(signal);
    }
    return { lag: this.#lag.of(position, runtime.monotonicMs()), position };
  }
}
