import type { ReadRequest } from './replica.ts';

export type AnsweredRoom = ReadRequest['room'];

/** About 100 bytes each. Past it the room that waits longest is not compared until it is read again. */
const ROOMS_MAX = 1_000;

export const roomKey = ({ name, id }: AnsweredRoom): string => `${name}/${id}`;

/** Rooms that a replica has answered reads of and that were not compared since: the longest waiting first. */
export class AnsweredRooms {
  readonly #rooms = new Map<string, AnsweredRoom>();
  /** Left out because there were too many. */
  dropped = 0;

  get size(): number {
    return this.#rooms.size;
  }

  /** Keeps its place where it is waiting already. */
  add(room: AnsweredRoom): void {
    const key = roomKey(room);
    if (this.#rooms.has(key)) return;
    this.#rooms.set(key, room);
    if (this.#rooms.size <= ROOMS_MAX) return;
    this.dropped += 1;
    this.take();
  }

  /** The one that waits longest; it waits no more. */
  take(): AnsweredRoom | undefined {
    const [first] = this.#rooms;
    if (first === undefined) return undefined;
    const [key, room] = first;
    this.#rooms.delete(key);
    return room;
  }
}
