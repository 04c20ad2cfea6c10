import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { MirroredRoom } from './mirrored-room.ts';

export interface CheckRoundsPorts {
  readonly runtime: Pick<Runtime, 'setTimer'>;
  /** Every room is named once in it; 0: none ever. */
  readonly intervalMs: number;
  readonly rooms: ReadonlyMap<string, MirroredRoom>;
  isRunning(): boolean;
  /** This one is to be compared with its mirror. */
  due(room: MirroredRoom): void;
}

/** Between two comparisons, however many rooms there are. */
const GAP_MIN_MS = 20;

/** Names one room after the other to be compared, spread over the interval; those that are not whole, or fail, are left out. */
export class CheckRounds {
  readonly #ports: CheckRoundsPorts;
  #timer: Timer | null = null;
  #left: string[] = [];

  constructor(ports: CheckRoundsPorts) {
    this.#ports = ports;
  }

  start(): void {
    const { intervalMs, rooms, runtime, isRunning } = this.#ports;
    if (intervalMs === 0) return;
    this.#timer = runtime.setTimer(Math.max(GAP_MIN_MS, intervalMs / Math.max(1, rooms.size)), () => {
      if (isRunning()) this.#next();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #next(): void {
    const { rooms, due } = this.#ports;
    if (this.#left.length === 0) this.#left = [...rooms.keys()].reverse();
    const room = rooms.get(this.#left.pop() ?? '');
    if (room !== undefined && room.watermark?.state === 'live' && room.error === null) due(room);
  }
}
