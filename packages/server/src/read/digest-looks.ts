import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { type AnsweredRoom, roomKey } from './answered-rooms.ts';
import { type ComparePace, compareRoom, KnownDigests, type RoomOutcome } from './compare-room.ts';
import { LARGE_DIGEST_TIMEOUT_MS } from './large-rooms.ts';
import type { EndSignal, Replica } from './replica.ts';
import { runBounded } from './run-bounded.ts';
import type { RouterLimits } from './router-limits.ts';
import type { WatchedReplica } from './watched-replica.ts';

/** What a look waits for a room to be taken anew; it goes on after it, and the next look finds it. */
const RESYNC_LIMIT_MS = 60_000;

/**
 * The part of looks that compares contents: of the rooms that a replica has answered, a few at each look and in turn, what it holds with what the primary holds. One that holds something else is
 * out from that moment, is told to take the room anew, and comes back with the look that finds it right.
 *
 * Rows are paid for: each look brings a replica `compareRowsMax`, and what a large room takes more than that is taken off the looks that follow. Rooms whose digest is not done in time
 * hold up nothing: they have turns of their own (`large`).
 */
export class DigestLooks {
  readonly #runtime: Runtime;
  readonly #limits: RouterLimits;
  /** Null: nobody knows what is right. */
  readonly #truth: () => Replica | null;
  readonly #known = new KnownDigests();
  readonly #rowsLeft = new WeakMap<WatchedReplica, number>();

  constructor(runtime: Runtime, limits: RouterLimits, truth: () => Replica | null) {
    this.#runtime = runtime;
    this.#limits = limits;
    this.#truth = truth;
  }

  /** Rooms that were found wrong are looked at whatever they cost. Never rejects. */
  async look(replica: WatchedReplica, signal: EndSignal): Promise<void> {
    const { compareRoomsMax, compareRowsMax } = this.#limits;
    let rowsLeft = Math.min(compareRowsMax, (this.#rowsLeft.get(replica) ?? 0) + compareRowsMax);
    const wrong = [...replica.wrong.values()].filter(({ room }) => !replica.large.has(room));
    for (const { room } of wrong) rowsLeft -= await this.#room(replica, room, signal);
    // Chosen before: what cannot be compared waits for the next look.
    const count = Math.min(compareRoomsMax, replica.answeredRooms.size);
    const rooms = Array.from({ length: count }, () => replica.answeredRooms.take()).flatMap((room) => room ?? []);
    for (const room of rooms) {
      if (rowsLeft > 0 && !signal.aborted) rowsLeft -= await this.#room(replica, room, signal);
      else replica.answeredRooms.add(room);
    }
    this.#rowsLeft.set(replica, rowsLeft);
  }

  /** One of the rooms that have turns of their own, if its turn has come. To be called beside looks, one at a time. Never rejects. */
  async large(replica: WatchedReplica, signal: EndSignal): Promise<void> {
    const turn = replica.large.turn();
    if (turn !== undefined) await this.#room(replica, turn.room, signal, { timeoutMs: turn.timeoutMs, atOnce: true });
  }

  /** One room, whether it was read or not, with as much time as there is for any. @throws AlcoveError `option_invalid` where there is nothing to compare with */
  async compare(replica: WatchedReplica, room: AnsweredRoom, signal: EndSignal): Promise<void> {
    if (this.#truth() === null || replica.state.settings.isPrimary)
      throw new AlcoveError(
        'option_invalid',
        `${replica.id} cannot be compared: there are no readers of the primary’s own to compare it with`,
      );
    await this.#room(replica, room, signal, { timeoutMs: LARGE_DIGEST_TIMEOUT_MS, atOnce: false });
  }

  /** @returns rows that were read. */
  async #room(replica: WatchedReplica, room: AnsweredRoom, signal: EndSignal, pace?: ComparePace): Promise<number> {
    const first = await this.#compare(replica, room, signal, pace);
    if (first === null) return 0;
    this.#take(replica, room, first);
    if (first.kind !== 'wrong' || replica.replica.resync === undefined || signal.aborted) return first.rows;
    if (!(await this.#resynced(replica, room, signal))) return first.rows;
    const again = await this.#compare(replica, room, signal, pace);
    if (again !== null) this.#take(replica, room, again);
    return first.rows + (again?.rows ?? 0);
  }

  #compare(replica: WatchedReplica, room: AnsweredRoom, signal: EndSignal, pace?: ComparePace): Promise<RoomOutcome | null> {
    const truth = this.#truth();
    if (truth === null || signal.aborted) return Promise.resolve(null);
    return compareRoom({ runtime: this.#runtime, truth, known: this.#known }, replica.replica, room, signal, pace);
  }

  #take(replica: WatchedReplica, room: AnsweredRoom, outcome: RoomOutcome): void {
    const { log } = this.#runtime;
    const fields = { replica: replica.id, room: room.name, id: room.id };
    const wasWrong = replica.wrong.has(roomKey(room));
    switch (outcome.kind) {
      case 'same':
      case 'gone':
        replica.foundRight(room);
        replica.large.compared(room, outcome.rows);
        if (wasWrong) log.info('a replica holds the right rows again', { ...fields, isIn: replica.wrong.size === 0 });
        return;
      case 'unsure':
      case 'late':
        replica.notCompared(room, outcome);
        log.debug('a replica could not be compared', { ...fields, reason: outcome.reason });
        return;
      case 'wrong':
        replica.foundWrong(outcome.found);
        replica.large.again(room);
        log.error('a replica holds other rows than the primary and is out', {
          ...fields,
          tables: outcome.found.tables.join(', '),
          version: outcome.found.version,
        });
    }
  }

  async #resynced(replica: WatchedReplica, room: AnsweredRoom, signal: EndSignal): Promise<boolean> {
    replica.compared.resyncs += 1;
    const resync = async (): Promise<void> => replica.replica.resync?.(room);
    try {
      await runBounded(this.#runtime, `the resync of ${replica.id}`, resync, RESYNC_LIMIT_MS, signal);
      return true;
    } catch (cause) {
      const { code, message } = AlcoveError.from(cause);
      this.#runtime.log.error('a room is not taken anew', { replica: replica.id, room: room.name, id: room.id, code, reason: message });
      return false;
    }
  }
}
