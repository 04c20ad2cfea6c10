import { AlcoveError } from '@alcove/core/error';
import type { RoutedAnswer } from '../../read/read-route.ts';
import type { ReadAsked } from '../../room/room-ports.ts';

export interface RoomReadsPorts {
  read(asked: ReadAsked, signal: AbortSignal): Promise<RoutedAnswer>;
  /** Never from within `begin`. */
  answer(connectionId: string, request: number, answer: RoutedAnswer | AlcoveError): void;
}

interface RoomRead {
  readonly asked: ReadAsked;
  readonly end: AbortController;
  readonly answer: (answer: RoutedAnswer | AlcoveError) => void;
}

interface UserReads {
  /** Those that the host has not settled yet, whether anybody waits for them or not. */
  unsettled: number;
  readonly waiting: Set<RoomRead>;
}

/**
 * The reads of one open room's sessions that are on their way to replicas. What was ended may go on for a while: the app is still asked whether its user may. It keeps its place until
 * it has settled, and what the user asks meanwhile waits for one; so the app is asked for one user no more often at once than a user may read.
 */
export class RoomReads {
  readonly #userReadsMax: number;
  readonly #ports: RoomReadsPorts;
  readonly #open = new Map<string, RoomRead>();
  readonly #users = new Map<string, UserReads>();

  constructor(userReadsMax: number, ports: RoomReadsPorts) {
    this.#userReadsMax = userReadsMax;
    this.#ports = ports;
  }

  begin(connectionId: string, request: number, asked: ReadAsked): void {
    const key = keyOf(connectionId, request);
    const read: RoomRead = {
      asked,
      end: new AbortController(),
      answer: (answer) => {
        // Ended since, and perhaps asked anew.
        if (this.#open.get(key) !== read) return;
        this.#open.delete(key);
        this.#ports.answer(connectionId, request, answer);
      },
    };
    this.#open.set(key, read);
    const reads = this.#users.get(asked.user) ?? { unsettled: 0, waiting: new Set() };
    this.#users.set(asked.user, reads);
    reads.waiting.add(read);
    this.#next(reads);
  }

  end(connectionId: string, request: number): void {
    const key = keyOf(connectionId, request);
    const read = this.#open.get(key);
    if (read === undefined) return;
    this.#open.delete(key);
    this.#users.get(read.asked.user)?.waiting.delete(read);
    read.end.abort();
  }

  /** Nothing is answered any more. */
  close(): void {
    for (const { waiting } of this.#users.values()) waiting.clear();
    for (const { end } of this.#open.values()) end.abort();
    this.#open.clear();
  }

  #next(reads: UserReads): void {
    for (const read of reads.waiting) {
      if (reads.unsettled >= this.#userReadsMax) return;
      reads.waiting.delete(read);
      reads.unsettled += 1;
      void this.#run(read, reads);
    }
  }

  async #run({ asked, end, answer }: RoomRead, reads: UserReads): Promise<void> {
    const found = await Promise.resolve()
      .then(() => this.#ports.read(asked, end.signal))
      .catch((cause: unknown) => AlcoveError.from(cause));
    reads.unsettled -= 1;
    this.#next(reads);
    if (reads.unsettled === 0) this.#users.delete(asked.user);
    answer(found);
  }
}

const keyOf = (connectionId: string, request: number): string => `${request} ${connectionId}`;
