import { encodeMessage } from '@alcove/core/protocol/codec';
import type { Codec } from '@alcove/core/protocol/codec';
import type { ServerMessageInput } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';

export type Frame = string | Uint8Array;

/** A message for many readers: encoded at most once a codec, and only for codecs that somebody reads. */
export class SharedFrame {
  readonly #message: ServerMessageInput;
  readonly #runtime: Runtime;
  readonly #frames = new Map<Codec, Frame>();

  constructor(message: ServerMessageInput, runtime: Runtime) {
    this.#message = message;
    this.#runtime = runtime;
  }

  for(codec: Codec): Frame {
    const known = this.#frames.get(codec);
    if (known !== undefined) return known;
    const frame = encodeMessage(this.#message, codec, this.#runtime);
    this.#frames.set(codec, frame);
    return frame;
  }

  /** Of all that was encoded so far. */
  get bytes(): number {
    let bytes = 0;
    for (const frame of this.#frames.values()) bytes += frame.length;
    return bytes;
  }
}
