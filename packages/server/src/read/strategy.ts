import { exhaustive } from '@alcove/core/error';
import type { ReplicaState } from './replica-state.ts';

/**
 * How reads are spread over replicas that are equally fit: `round-robin` in turn · `weighted` by chance, each its weight's part · `least-connections` who has the
 * fewest reads for its weight · `latency` who would be done first, by its average and what it already has · `region` those of one region first, by weight among themselves.
 */
export const STRATEGIES = ['round-robin', 'weighted', 'least-connections', 'latency', 'region'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Below it times say more about the machine than about the replica. */
const EWMA_MS_MIN = 0.1;

export interface StrategyMoment {
  /** Counts the reads. */
  readonly turn: number;
  /** Draws from [0, 1). */
  readonly random: () => number;
}

/**
 * Of candidates, the one with the least goes first.
 * @param place Of the replica among `count` that are fit, from 0.
 */
export function preferenceOf(
  { settings, inFlight, queued, ewmaMs }: ReplicaState,
  strategy: Strategy,
  { turn, random }: StrategyMoment,
  place: number,
  count: number,
): number {
  switch (strategy) {
    case 'round-robin':
      return (place + count - (turn % count)) % count;
    case 'weighted':
    case 'region':
      // The first of exponential waits whose rates are the weights: each is first with its weight's part of the chances.
      return -Math.log(1 - random()) / weightOf(settings.weight);
    case 'least-connections':
      return (inFlight + queued + random() / 2) / weightOf(settings.weight);
    case 'latency':
      // One that has had no reads gets one: nobody knows how fast it is.
      return (Math.max(ewmaMs ?? 0, EWMA_MS_MIN) * (inFlight + queued + 1 + random() / 4)) / weightOf(settings.weight);
    default:
      return exhaustive(strategy);
  }
}

/** A primary of weight 0 is not spared: it has no stand-in. */
const weightOf = (weight: number): number => (weight > 0 ? weight : 1);
