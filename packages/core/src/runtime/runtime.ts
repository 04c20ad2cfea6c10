import type { Logger } from './logger.ts';

/** A timer that was set. Cancelling one that fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * All that code outside hosts may know of the platform. A host (Node, browser worker, simulator) makes one and hands it down constructors.
 * Everything is synchronous: a commit must not await, and messages must not overtake each other in a codec.
 */
export interface Runtime {
  /** Wall time in ms since 1970: for display, ticks and ages of stored things. May jump. Never decides order. */
  nowMs(): number;
  /** Time in ms from an arbitrary start that never goes back: for TTLs, timeouts and budgets. */
  monotonicMs(): number;
  /** Calls `fn` once, not before `delayMs` ms; delays above 2^31−1 are waited for in full. */
  setTimer(delayMs: number, fn: () => void): Timer;
  /** Uniform in [0, 1). Not for secrets. */
  random(): number;
  /** A fresh, unguessable id: 22 characters of base64url (128 random bits). */
  newId(): string;
  readonly log: Logger;
  /** HMAC-SHA-256, 32 bytes. */
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** Raw deflate (RFC 1951). */
  deflateRaw(bytes: Uint8Array): Uint8Array;
  /** @throws AlcoveError `message_too_large` as soon as more than `outputBytesMax` come out, `bad_message` where the input is damaged. */
  inflateRaw(bytes: Uint8Array, outputBytesMax: number): Uint8Array;
  readonly utf8: Utf8;
}

export interface Utf8 {
  encode(text: string): Uint8Array;
  /** @throws AlcoveError `bad_message` on bytes that are not UTF-8. */
  decode(bytes: Uint8Array): string;
}
