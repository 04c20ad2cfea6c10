import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';

/** Which room: the name of its definition and its id, both checked by whoever took them in. */
export interface RoomAddress {
  readonly name: string;
  readonly id: string;
}

/** `existing`: only a room that is there. `any`: made where it is missing. `new`: only one that is not there yet. */
export type OpenMode = 'existing' | 'any' | 'new';
/** `followed`: as `existing`, for a server that follows it, for which no other follower has to go. */
export type UseMode = OpenMode | 'followed';

/** A room that is open on a host, with what the host keeps for it. */
export interface OpenedRoom {
  /** Nobody is connected and nothing waits: closing it now is noticed by nobody. */
  readonly idle: boolean;
  /** Nobody but servers that follow it are connected: they come back. */
  readonly spare: boolean;
  /**
   * Writes what is unwritten, tells those who are connected and closes the file. Resolves when it may be opened again, and does not reject: what went wrong
   * was logged and is seen again when it is opened.
   */
  close(reason: AlcoveError): Promise<void>;
}

/** Which rooms are listed. */
export interface RoomListOptions {
  /** Only ids that begin with it. */
  readonly prefix?: string;
  /** At most so many, 1 to 10,000; 100 by default. */
  readonly limit?: number;
  /** Only ids behind this one, for the next page. */
  readonly after?: string;
}

export interface RoomDirectoryPorts<Opened extends OpenedRoom> {
  /** @throws AlcoveError `room_unknown` (existing), `room_exists` (new), or what is wrong with its file. */
  open(address: RoomAddress, mode: OpenMode): Promise<Opened>;
  /** Removes the files of a room that is closed. False where there were none. */
  remove(address: RoomAddress): Promise<boolean>;
  /** Ids of the rooms of that name, in the order of their characters. */
  list(name: string): Promise<readonly string[]>;
}

export interface RoomDirectoryLimits {
  /** Open at once; at it the longest idle one is closed, else one that is only followed; where there is none the newcomer is told `overloaded`. */
  readonly openRoomsMax: number;
  /** After so long without anybody a room is closed. */
  readonly roomIdleTimeoutMs: number;
  /** A room that could not be opened is not tried again for so long; who asks gets the same answer. */
  readonly openRetryMs: number;
}

interface OpenSlot<Opened> {
  readonly kind: 'open';
  readonly opened: Opened;
  /** Calls that are using it just now; it is not closed under them. */
  holds: number;
  idleSinceMs: number;
}

type Slot<Opened> =
  | OpenSlot<Opened>
  /** Opening, closing or being removed: who comes meanwhile waits and looks again. */
  | { readonly kind: 'busy'; readonly until: Promise<void> }
  | { readonly kind: 'failed'; readonly error: AlcoveError; readonly untilMs: number };

/**
 * The rooms of one host: opened on demand and once, closed when idle, bounded in number. Driven: the host calls `tick` now and then. Everything that
 * happens to one room happens one after the other.
 */
export class RoomDirectory<Opened extends OpenedRoom> {
  readonly #ports: RoomDirectoryPorts<Opened>;
  readonly #limits: RoomDirectoryLimits;
  readonly #runtime: Runtime;
  /** By name and id; the least recently used first. */
  readonly #slots = new Map<string, Slot<Opened>>();
  #closing: AlcoveError | null = null;

  constructor(ports: RoomDirectoryPorts<Opened>, limits: RoomDirectoryLimits, runtime: Runtime) {
    this.#ports = ports;
    this.#limits = limits;
    this.#runtime = runtime;
  }

  /**
   * Calls `fn` with the room, opened where it was not. The room stays open while `fn` runs and what it returns is awaited, unless it fails.
   * @throws AlcoveError as `open` does; `overloaded`; `draining` once `closeAll` was called.
   */
  async use<T>(address: RoomAddress, mode: UseMode, fn: (room: Opened) => T | Promise<T>): Promise<T> {
    const slot = await this.#hold(address, mode);
    try {
      return await fn(slot.opened);
    } finally {
      slot.holds -= 1;
      slot.idleSinceMs = this.#runtime.monotonicMs();
    }
  }

  /** The room where it is open just now; it may close at any later moment. */
  peek(address: RoomAddress): Opened | null {
    const slot = this.#slots.get(keyOf(address));
    return slot?.kind === 'open' ? slot.opened : null;
  }

  *openRooms(): IterableIterator<Opened> {
    for (const slot of this.#slots.values()) if (slot.kind === 'open') yield slot.opened;
  }

  get openCount(): number {
    let count = 0;
    for (const slot of this.#slots.values()) if (slot.kind !== 'failed') count += 1;
    return count;
  }

  /** @throws AlcoveError `option_invalid` */
  async list(name: string, options: RoomListOptions = {}): Promise<readonly string[]> {
    const { prefix = '', limit = 100, after } = options;
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000) {
      throw new AlcoveError('option_invalid', `limit must be a whole number from 1 to 10000, and is ${String(limit)}`);
    }
    const ids = await this.#ports.list(name);
    return ids.filter((id) => id.startsWith(prefix) && (after === undefined || id > after)).slice(0, limit);
  }

  /** Ends the room's sessions with `closed` and removes its files. False where there was no such room. */
  async remove(address: RoomAddress): Promise<boolean> {
    const key = keyOf(address);
    await this.#settled(key);
    const slot = this.#slots.get(key);
    const reason = new AlcoveError('closed', 'the room was deleted');
    return this.#busy(key, async () => {
      if (slot?.kind === 'open') await slot.opened.close(reason);
      return this.#ports.remove(address);
    });
  }

  /** Closes a room that failed, if it is still this one; the next use opens it again from disk. */
  failed(address: RoomAddress, room: Opened, error: AlcoveError): void {
    const key = keyOf(address);
    const slot = this.#slots.get(key);
    if (slot?.kind === 'open' && slot.opened === room) void this.#close(key, slot, error);
  }

  /** Closes what nobody has used for long. */
  tick(): void {
    const nowMs = this.#runtime.monotonicMs();
    for (const [key, slot] of this.#slots) {
      if (slot.kind === 'failed' && nowMs >= slot.untilMs) this.#slots.delete(key);
      if (slot.kind !== 'open') continue;
      if (!isIdle(slot)) slot.idleSinceMs = nowMs;
      else if (nowMs - slot.idleSinceMs >= this.#limits.roomIdleTimeoutMs) void this.#close(key, slot, idleClose());
    }
  }

  /** No room is opened any more; those that are open are closed, all at once. */
  async closeAll(reason: AlcoveError): Promise<void> {
    this.#closing = reason;
    for (;;) {
      const waits = [...this.#slots].flatMap(([key, slot]) => {
        if (slot.kind === 'open') return [this.#close(key, slot, reason)];
        return slot.kind === 'busy' ? [slot.until] : [];
      });
      if (waits.length === 0) return;
      await Promise.all(waits);
    }
  }

  /** The open slot, held once more. */
  async #hold(address: RoomAddress, mode: UseMode): Promise<OpenSlot<Opened>> {
    const key = keyOf(address);
    for (;;) {
      if (this.#closing !== null) throw this.#closing;
      const slot = this.#slots.get(key);
      const wait = slot?.kind === 'busy' ? slot.until : slot?.kind === 'open' ? null : this.#placeFor(key, slot, mode);
      if (wait !== null) {
        await wait;
      } else if (slot?.kind === 'open') {
        if (mode === 'new') throw new AlcoveError('room_exists', `there is a room ${address.name}/${address.id} already`);
        slot.holds += 1;
        this.#slots.delete(key);
        this.#slots.set(key, slot);
        return slot;
      } else {
        const opened = await this.#busy(key, () => this.#open(key, address, mode === 'followed' ? 'existing' : mode));
        if (this.#closing !== null) throw this.#closing; // closeAll has waited for this one, and closes it
        return opened;
      }
    }
  }

  /** Null: one more may be opened now. Else what to wait for before looking again. @throws the failure that is still fresh; `overloaded` */
  #placeFor(newcomer: string, slot: Slot<Opened> | undefined, mode: UseMode): Promise<void> | null {
    if (slot?.kind === 'failed') {
      if (this.#runtime.monotonicMs() < slot.untilMs) throw slot.error;
      this.#slots.delete(newcomer);
    }
    if (this.openCount < this.#limits.openRoomsMax) return null;
    for (const [key, other] of this.#slots) {
      if (other.kind === 'busy') return other.until; // it may be closing
      if (other.kind === 'open' && isIdle(other)) return this.#close(key, other, idleClose());
    }
    for (const [key, other] of mode === 'followed' ? [] : this.#slots) {
      if (other.kind !== 'open' || other.holds > 0 || !other.opened.spare) continue;
      return this.#close(key, other, new AlcoveError('draining', 'its place was needed', { retryAfterMs: 1000 }));
    }
    throw new AlcoveError('overloaded', `${this.openCount} rooms are open, and none is idle`, {
      retryAfterMs: 1000,
      limit: 'openRoomsMax',
    });
  }

  async #open(key: string, address: RoomAddress, mode: OpenMode): Promise<OpenSlot<Opened>> {
    try {
      const opened = await this.#ports.open(address, mode);
      const slot: OpenSlot<Opened> = { kind: 'open', opened, holds: 1, idleSinceMs: this.#runtime.monotonicMs() };
      this.#slots.set(key, slot);
      return slot;
    } catch (cause) {
      const error = AlcoveError.from(cause, 'room_failed');
      if (isAboutTheFile(error)) {
        const { name: room, id } = address;
        this.#runtime.log.error('a room could not be opened', { room, id, code: error.code, reason: error.message, hint: error.hint });
        this.#slots.set(key, { kind: 'failed', error, untilMs: this.#runtime.monotonicMs() + this.#limits.openRetryMs });
      }
      throw error;
    }
  }

  async #close(key: string, slot: OpenSlot<Opened>, reason: AlcoveError): Promise<void> {
    await this.#busy(key, () => slot.opened.close(reason));
  }

  /** Holds the room's place while `fn` runs. What `fn` leaves there stays, else the place is free. */
  async #busy<T>(key: string, fn: () => Promise<T>): Promise<T> {
    let free: () => void = () => undefined;
    const slot: Slot<Opened> = {
      kind: 'busy',
      until: new Promise((resolve) => {
        free = resolve;
      }),
    };
    this.#slots.set(key, slot);
    try {
      return await fn();
    } finally {
      if (this.#slots.get(key) === slot) this.#slots.delete(key);
      free();
    }
  }

  async #settled(key: string): Promise<void> {
    for (let slot = this.#slots.get(key); slot?.kind === 'busy'; slot = this.#slots.get(key)) await slot.until;
  }
}

const isIdle = <Opened extends OpenedRoom>(slot: OpenSlot<Opened>): boolean => slot.holds === 0 && slot.opened.idle;

const idleClose = (): AlcoveError => new AlcoveError('closed', 'nobody was in the room for some time');

/** Failures that the next attempt meets again unless somebody repairs something; the others answer the asker alone. */
const isAboutTheFile = (error: AlcoveError): boolean =>
  error.code !== 'room_unknown' && error.code !== 'room_exists' && error.code !== 'overloaded';

const keyOf = ({ name, id }: RoomAddress): string => JSON.stringify([name, id]);
