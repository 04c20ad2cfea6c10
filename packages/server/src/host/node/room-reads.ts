import { AlcoveError } from '@alcove/core/error';
import type { RoutedAnswer } from '../../read/read-route.ts';
import type { ReadAsked } from '../../room/room-ports.ts';

export interface RoomReadsPorts {
  read(asked: ReadAsked, signal: AbortSignal): Promise<RoutedAnswer>;
  /** Never from within `begin`. */
  answer(connectionId: string, request: number, answer: RoutedAnswer | AlcoveError): void;
}

/** The reads of one open room's sessions that are on their way to replicas. */
export class RoomReads {
  readonly #ports: RoomReadsPorts;
  readonly #running = new Map<string, AbortController>();

  constructor(ports: RoomReadsPorts) {
    this.#ports = ports;
  }

  begin(connectionId: string, request: number, asked: ReadAsked): void {
    const key = keyOf(connectionId, request);
    const controller = new AbortController();
    this.#running.set(key, controller);
    const settle = (answer: RoutedAnswer | AlcoveError): void => {
      // Ended since, and perhaps asked anew.
      if (this.#running.get(key) !== controller) return;
      this.#running.delete(key);
      this.#ports.answer(connectionId, request, answer);
    };
    void Promise.resolve()
      .then(() => this.#ports.read(asked, controller.signal))
      .then(settle, (cause: unknown) => settle(AlcoveError.from(cause)));
  }

  end(connectionId: string, request: number): void {
    const key = keyOf(connectionId, request);
    this.#running.get(key)?.abort();
    this.#running.delete(key);
  }

  /** Nothing is answered any more. */
  close(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
  }
}

const keyOf = (connectionId: string, request: number): string => `${request} ${connectionId}`;
