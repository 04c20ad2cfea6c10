import { encodeMessage } from '@alcove/core/protocol/codec';
import { ANNOUNCED_FRAME_BYTES } from '@alcove/core/protocol/limits';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { WebSocket } from 'ws';

/** Pieces of an announced frame: each takes a slow socket a few seconds at most, so that `bufferedBytes` falls while anything moves. */
const PIECE_BYTES = 64 * 1024;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly binary: boolean;
}

/**
 * What goes out on one socket, in order. A large frame is announced (`coming`) and sent in fragments, the next when the system has taken the one before: a peer
 * hears nothing of a frame before its last byte, and `ws` says nothing of a write before its end.
 */
export class OutgoingFrames {
  readonly #socket: WebSocket;
  readonly #runtime: Runtime;
  /** First the one that is being sent. Empty while every frame goes straight to the socket. */
  readonly #waiting: Waiting[] = [];
  /** Of the first one. */
  #sentBytes = 0;
  #waitingBytes = 0;

  constructor(socket: WebSocket, runtime: Runtime) {
    this.#socket = socket;
    this.#runtime = runtime;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount + this.#waitingBytes;
  }

  /** @param text UTF-8 of a text frame, made where it is wanted. */
  send(frame: string | Uint8Array, text: (frame: string) => Uint8Array): void {
    const binary = typeof frame !== 'string';
    const bytes = binary ? frame : text(frame);
    const large = bytes.length >= ANNOUNCED_FRAME_BYTES;
    if (this.#waiting.length === 0) {
      if (large) this.#socket.send(encodeMessage({ type: 'coming', bytes: bytes.length }, 'json', this.#runtime));
      else return this.#socket.send(bytes, { binary, compress: false });
    } else if (large) {
      this.#wait(Buffer.from(encodeMessage({ type: 'coming', bytes: bytes.length }, 'json', this.#runtime)), false);
    }
    this.#wait(bytes, binary);
  }

  /** What is not yet the system's will never be sent. */
  drop(): void {
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#sentBytes = 0;
  }

  #wait(bytes: Uint8Array, binary: boolean): void {
    this.#waiting.push({ bytes, binary });
    this.#waitingBytes += bytes.length;
    if (this.#waiting.length === 1) this.#sendPiece();
  }

  #sendPiece(): void {
    const first = this.#waiting[0];
    if (first === undefined || this.#socket.readyState !== this.#socket.OPEN) return this.drop();
    const piece = first.bytes.subarray(this.#sentBytes, this.#sentBytes + PIECE_BYTES);
    this.#sentBytes += piece.length;
    this.#waitingBytes -= piece.length;
    const fin = this.#sentBytes === first.bytes.length;
    this.#socket.send(piece, { binary: first.binary, compress: false, fin }, (error) => {
      if (this.#waiting[0] !== first) return; // dropped meanwhile
      if (error instanceof Error) return this.drop();
      if (fin) {
        this.#waiting.shift();
        this.#sentBytes = 0;
      }
      if (this.#waiting.length > 0) this.#sendPiece();
    });
  }
}
