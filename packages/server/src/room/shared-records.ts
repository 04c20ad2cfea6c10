import { recordRange } from '../change-stream/log-records.ts';
import type { SharedFrame } from '../change-stream/shared-frame.ts';
import type { StreamParts } from './room-parts.ts';

/** One version as followers get it, read from the log where there are any; those that stand at the same version share the frame. */
export class SharedRecords {
  readonly #parts: Pick<StreamParts, 'log' | 'limits' | 'runtime'>;
  readonly #version: number;
  readonly #frames = new Map<number, SharedFrame>();

  constructor(parts: Pick<StreamParts, 'log' | 'limits' | 'runtime'>, version: number) {
    this.#parts = parts;
    this.#version = version;
  }

  /** `from`: where the follower stands, the version before. */
  after(from: number): SharedFrame {
    const known = this.#frames.get(from);
    if (known !== undefined) return known;
    const { log, limits, runtime } = this.#parts;
    const { frame } = recordRange(log, from, this.#version, limits, runtime);
    this.#frames.set(from, frame);
    return frame;
  }
}
