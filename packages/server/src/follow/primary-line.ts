import { AlcoveError } from '@alcove/core/error';
import { backoffMs, type BackoffOptions, DEFAULT_BACKOFF } from '@alcove/core/retry/backoff';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';

/** A socket to the primary, from the moment on at which it is opened. */
export interface LineSocket {
  /** Nothing happens where it is not open. */
  send(frame: string | Uint8Array): void;
  /** Ends it without a word; `closed` follows, later. Idempotent. */
  end(): void;
  /** Bytes that wait on the way to the primary. */
  readonly bufferedBytes: number;
}

/** None of them is called before `DialPrimary` has returned. */
export interface LineSocketHandlers {
  opened(): void;
  /** Bytes of a message came, perhaps not all of them. */
  arriving(): void;
  message(frame: string | Uint8Array): void;
  /** `closed` follows. */
  failed(error: AlcoveError): void;
  /** Once, also where it never opened. */
  closed(): void;
}

export type DialPrimary = (handlers: LineSocketHandlers) => LineSocket;

export interface LinePace {
  /** How often the primary is asked where it stands, of a room that somebody uses: as old may the lag be that a follower tells. */
  readonly askMsMax: number;
  /** Until the primary has said its own. */
  readonly heartbeatMs: number;
  readonly backoff: BackoffOptions;
}

export const LINE_PACE: LinePace = { askMsMax: 1_000, heartbeatMs: 15_000, backoff: DEFAULT_BACKOFF };

/** Who speaks over the line. Nothing of a socket is told after its `ended`. */
export interface LineSpeaker {
  dialing(): void;
  opened(): void;
  heard(frame: string | Uint8Array): void;
  failed(error: AlcoveError): void;
  /** Nothing was heard for too long. @returns whether the socket ends for that */
  silent(error: AlcoveError): boolean;
  /** The primary may be asked where it stands. */
  ask(): void;
  /** @returns how long the primary wants to be left alone, ms */
  ended(): number | undefined;
}

/** A primary that says nothing for so many heartbeats is asked anew on another socket. */
const SILENT_HEARTBEATS_MAX = 3;

/**
 * The way to the primary: a socket that is listened to for signs of life, and another one, after a wait that grows, whenever it ends.
 *
 * ```
 * open → ( dialing → ( opened → ( heard · ask )* )? → ended → wait )* → close
 * ```
 */
export class PrimaryLine {
  readonly #dial: DialPrimary;
  readonly #runtime: Runtime;
  readonly #pace: LinePace;
  readonly #speaker: LineSpeaker;
  #socket: LineSocket | null = null;
  #waiting: Timer | null = null;
  #asking: Timer | null = null;
  #attempt = 0;
  #heardMs = 0;
  #heartbeatMs: number;
  #isClosed = false;

  constructor(dial: DialPrimary, runtime: Runtime, pace: LinePace, speaker: LineSpeaker) {
    this.#dial = dial;
    this.#runtime = runtime;
    this.#pace = pace;
    this.#speaker = speaker;
    this.#heartbeatMs = pace.heartbeatMs;
  }

  /** Opens a socket at once, though a wait may not be over. To be called where there is none. */
  open(): void {
    if (this.#isClosed) return;
    this.#waiting?.cancel();
    this.#speaker.dialing();
    this.#alive();
    const isMine = (): boolean => socket === this.#socket;
    const socket: LineSocket = this.#dial({
      opened: () => isMine() && this.#speaker.opened(),
      // Of a message that is on its way for long, as a large commit is on a slow link, nothing is heard before it is whole.
      arriving: () => isMine() && this.#alive(),
      message: (frame) => isMine() && this.#message(frame),
      failed: (error) => isMine() && this.#speaker.failed(error),
      closed: () => isMine() && this.#ended(),
    });
    this.#socket = socket;
    this.#ask();
  }

  get bufferedBytes(): number {
    return this.#socket?.bufferedBytes ?? 0;
  }

  /** Nothing happens where there is no way just now. */
  send(frame: string | Uint8Array): void {
    this.#socket?.send(frame);
  }

  /** The primary's own. */
  beats(heartbeatMs: number): void {
    this.#heartbeatMs = heartbeatMs;
  }

  /** It is good for what it is there for: the next wait is short again. */
  works(): void {
    this.#attempt = 0;
  }

  /** Gives this socket up; another one follows. */
  end(): void {
    this.#socket?.end();
  }

  /** For good. Nothing is told any more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting?.cancel();
    this.#asking?.cancel();
    const socket = this.#socket;
    this.#socket = null;
    socket?.end();
  }

  #alive(): void {
    this.#heardMs = this.#runtime.monotonicMs();
  }

  #message(frame: string | Uint8Array): void {
    this.#alive();
    this.#speaker.heard(frame);
  }

  #ended(): void {
    this.#asking?.cancel();
    this.#socket = null;
    const retryAfterMs = this.#speaker.ended();
    this.#attempt += 1;
    const waitMs = backoffMs(this.#attempt, this.#runtime.random(), retryAfterMs, this.#pace.backoff);
    this.#waiting = this.#runtime.setTimer(waitMs, () => this.open());
  }

  #ask(): void {
    this.#asking?.cancel();
    const delayMs = Math.min(this.#pace.askMsMax, this.#heartbeatMs);
    const dueMs = this.#runtime.monotonicMs() + delayMs;
    this.#asking = this.#runtime.setTimer(delayMs, () => {
      const nowMs = this.#runtime.monotonicMs();
      const isSilent = nowMs - this.#heardMs > SILENT_HEARTBEATS_MAX * this.#heartbeatMs;
      // Whoever was held up itself has not read yet what came meanwhile: it looks once more.
      const isLate = nowMs - dueMs > this.#heartbeatMs;
      if (isSilent && !isLate && this.#speaker.silent(new AlcoveError('heartbeat_missed', 'the primary says nothing'))) return this.end();
      this.#speaker.ask();
      this.#ask();
    });
  }
}
