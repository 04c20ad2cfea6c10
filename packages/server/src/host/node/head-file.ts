import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { AlcoveError } from '@alcove/core/error';

/** Where a room's history stands, known outside the room's own file, so that a file that lost its tail is noticed. */
export interface Head {
  readonly historyId: string;
  readonly version: number;
  readonly hash: string;
}

/** Holds every field at its longest; a slot is far smaller than a disk page, and the two never share their bytes. */
const SLOT_BYTES = 2048;

/**
 * A room's head in a file of two slots that are written in turn, each with a check sum: one small write in place after each commit, and a write that
 * tears leaves the slot before it. A new head is in the file when `write` returns and on the disk when `sync` does; the room is written first, so the
 * head is never ahead of what was durable.
 */
export class HeadFile {
  readonly #path: string;
  #fd: number | null = null;
  #order = 0;
  #unsynced = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Null where there is no file yet. @throws AlcoveError `file_damaged` where neither slot can be read. */
  read(): Head | null {
    const fd = this.#open();
    if (fd === null) return null;
    const slots = [readSlot(fd, 0), readSlot(fd, 1)].filter((slot) => slot !== null);
    const newest = slots.sort((a, b) => b.order - a.order)[0];
    if (newest === undefined) {
      throw new AlcoveError('file_damaged', `the head beside the room's file is damaged: ${this.#path}`, {
        hint: 'Check the room with `alcove inspect`; if it is complete, delete the .head file: the room then starts with the head it has.',
      });
    }
    this.#order = newest.order;
    return newest.head;
  }

  /** @throws AlcoveError `room_failed` where the disk refuses. */
  write(head: Head): void {
    this.#attempt(() => {
      const fd = this.#open();
      if (fd === null) {
        this.#fd = this.#create(head);
        return;
      }
      if (this.#order === 0) this.read();
      const order = this.#order + 1;
      writeSync(fd, encodeSlot(order, head), 0, SLOT_BYTES, (order % 2) * SLOT_BYTES);
      this.#order = order;
      this.#unsynced = true;
    });
  }

  /** Puts what was written on the disk; nothing to do where it is there. */
  sync(): void {
    if (!this.#unsynced || this.#fd === null) return;
    const fd = this.#fd;
    this.#attempt(() => fdatasyncSync(fd));
    this.#unsynced = false;
  }

  /** Syncs and closes. Idempotent; the next use opens the file again. */
  close(): void {
    try {
      this.sync();
    } finally {
      if (this.#fd !== null) closeSync(this.#fd);
      this.#fd = null;
      this.#order = 0;
    }
  }

  #open(): number | null {
    if (this.#fd !== null) return this.#fd;
    try {
      this.#fd = openSync(this.#path, 'r+');
    } catch (error) {
      if (isMissing(error)) return null;
      throw AlcoveError.from(error, 'room_failed');
    }
    return this.#fd;
  }

  /** A whole first file or none: written beside, synced, renamed. */
  #create(head: Head): number {
    const beside = `${this.#path}.new`;
    rmSync(beside, { force: true });
    const fd = openSync(beside, 'wx+');
    const bytes = Buffer.alloc(2 * SLOT_BYTES);
    encodeSlot(1, head).copy(bytes, SLOT_BYTES);
    writeSync(fd, bytes);
    fsyncSync(fd);
    renameSync(beside, this.#path);
    syncDirectory(dirname(this.#path));
    this.#order = 1;
    return fd;
  }

  #attempt(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      if (error instanceof AlcoveError) throw error;
      throw new AlcoveError('room_failed', `the head of a room cannot be written: ${this.#path}`, { cause: error });
    }
  }
}

/** Makes renames and removals in `path` durable; where the platform cannot open directories (Windows) it needs no such thing. */
export const syncDirectory = (path: string): void => {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return;
  }
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

const sumOf = (order: number, head: Head): string =>
  createHash('sha256')
    .update(JSON.stringify([order, head.historyId, head.version, head.hash]))
    .digest('hex');

const encodeSlot = (order: number, head: Head): Buffer => {
  const text = JSON.stringify({ order, ...headOnly(head), sum: sumOf(order, head) });
  const slot = Buffer.alloc(SLOT_BYTES, ' ');
  if (slot.write(text) !== Buffer.byteLength(text))
    throw new AlcoveError('internal', `a head of ${text.length} characters does not fit its slot`);
  slot[SLOT_BYTES - 1] = 0x0a;
  return slot;
};

const headOnly = ({ historyId, version, hash }: Head): Head => ({ historyId, version, hash });

const readSlot = (fd: number, index: number): { order: number; head: Head } | null => {
  const slot = Buffer.alloc(SLOT_BYTES);
  if (readSync(fd, slot, 0, SLOT_BYTES, index * SLOT_BYTES) !== SLOT_BYTES) return null;
  return parseSlot(slot.toString('utf8'));
};

const parseSlot = (text: string): { order: number; head: Head } | null => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const { order, historyId, version, hash, sum } = parsed as Record<string, unknown>; // an object was just seen; each field is checked below
  if (typeof order !== 'number' || typeof historyId !== 'string' || typeof version !== 'number' || typeof hash !== 'string') return null;
  const head = { historyId, version, hash };
  return sum === sumOf(order, head) ? { order, head } : null;
};
