export interface FrameCounts {
  /** Frames of messages whose header was complete. Pings and the like do not count. */
  frames: number;
  /** Messages that ended. */
  messages: number;
  /** Bytes, headers included. Those of pings and the like do not count. */
  payload: number;
}

/**
 * Follows the frames in the bytes of one WebSocket, reading headers only: how many came, and whether a message stands half arrived. `ws` tells neither,
 * and has no time limit for a peer that sends half a frame and falls silent.
 * It judges nothing: what breaks the protocol is closed by `ws` itself.
 */
export class FrameWatch {
  #counts: FrameCounts = { frames: 0, messages: 0, payload: 0 };
  #header: number[] = [];
  #payloadLeft = 0;
  #continued = false;
  #final = true;
  #isControl = false;

  /** Whether bytes of a frame or frames of a message are still to come. */
  get half(): boolean {
    return this.#header.length > 0 || this.#payloadLeft > 0 || this.#continued;
  }

  feed(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= skipped;
        if (!this.#isControl) this.#counts.payload += skipped;
        at += skipped;
        if (this.#payloadLeft === 0) this.#frameEnded();
        continue;
      }
      this.#header.push(bytes[at] ?? 0);
      if (((this.#header[0] ?? 0) & 0x08) === 0) this.#counts.payload += 1;
      at += 1;
      if (this.#header.length === headerLength(this.#header)) this.#headerEnded();
    }
  }

  /** What came since the last call. */
  takeCounts(): FrameCounts {
    const taken = this.#counts;
    this.#counts = { frames: 0, messages: 0, payload: 0 };
    return taken;
  }

  #headerEnded(): void {
    const [first = 0] = this.#header;
    this.#isControl = (first & 0x08) !== 0;
    this.#final = (first & 0x80) !== 0;
    if (!this.#isControl) this.#counts.frames += 1;
    this.#payloadLeft = payloadLength(this.#header);
    this.#header = [];
    if (this.#payloadLeft === 0) this.#frameEnded();
  }

  /** Control frames may stand between the frames of a message and end nothing. */
  #frameEnded(): void {
    if (this.#isControl) return;
    this.#continued = !this.#final;
    if (this.#final) this.#counts.messages += 1;
  }
}

/** Two bytes, the longer length where the short one says so, the mask; as many as are known after the first two. */
const headerLength = (header: readonly number[]): number => {
  const second = header[1];
  if (second === undefined) return 2;
  const short = second & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((second & 0x80) === 0 ? 0 : 4);
};

const payloadLength = (header: readonly number[]): number => {
  const short = (header[1] ?? 0) & 0x7f;
  if (short < 126) return short;
  const bytes = header.slice(2, short === 126 ? 4 : 10);
  return bytes.reduce((length, byte) => length * 256 + byte, 0);
};
