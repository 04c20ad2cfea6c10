import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { MirrorNames, MirroredRoom as MirroredDefinition } from '../../mirror/mirror-names.ts';
import { type RoomStep, RoomSteps } from '../../mirror/room-step.ts';
import type { Watermark } from '../../mirror/watermark.ts';
import { differingTables, type RoomDigest } from '../../read/room-digest.ts';
import { FileDigest } from './drift-check.ts';
import type { MirrorConnection } from './mirror-connection.ts';
import { mirrorDigest } from './mirror-digest.ts';
import type { MirroredRoom } from './mirrored-room.ts';
import type { RoomSource } from './room-source.ts';
import { RoomWriter, WatermarkMoved } from './room-writer.ts';

export interface RoomTurnOptions {
  readonly names: MirrorNames;
  readonly definitions: readonly MirroredDefinition[];
  readonly batchChanges: number;
  readonly retentionMs: number;
  readonly source: RoomSource;
  readonly runtime: Runtime;
  /** Lets everything else have a turn. */
  turn(): Promise<void>;
}

/** On its way. `differing`: the tables that differ; null: it was given up, since the room's log is to be moved. */
export interface Comparison {
  readonly differing: Promise<readonly string[] | null>;
}

/** `more`: it comes again. `forgotten`: nothing is left of it, here and there. */
export type TurnOutcome = 'more' | 'done' | 'forgotten';

/** What the log may be ahead before a room is taken as one that has to be brought up again rather than moved on. */
const CHANGES_MAX = 20_000;
const STEP_BYTES_MAX = 16 * 1024 * 1024;
const PAGE_ROWS = 2_000;
const PAGE_BYTES = 4 * 1024 * 1024;
const STATEMENT_BYTES_MAX = 4 * 1024 * 1024;
/** How long it stays known that a room was deleted, after its rows are gone. */
const TOMBSTONE_MS = 30 * 24 * 3_600_000;
/** A room and its digest begin one right after the other; nobody commits in between so often. */
const CHECK_TRIES = 20;

/** One turn of one room: a bounded piece of what it needs next, in one transaction. Turns of one room never overlap. */
export class RoomTurn {
  readonly writer: RoomWriter;
  readonly #options: RoomTurnOptions;
  readonly #steps: ReadonlyMap<string, RoomSteps>;
  /** Digests on their way, each of which holds a snapshot of its room. */
  readonly #digests = new Map<string, FileDigest>();

  constructor(options: RoomTurnOptions) {
    const { names, definitions, batchChanges } = options;
    const bounds = { changesMax: CHANGES_MAX, bytesMax: STEP_BYTES_MAX, pageRows: PAGE_ROWS, pageBytes: PAGE_BYTES };
    this.#options = options;
    this.#steps = new Map(definitions.map(({ name, model }) => [name, new RoomSteps(model, bounds)]));
    this.writer = new RoomWriter(names, definitions, { rowsMax: batchChanges, bytesMax: STATEMENT_BYTES_MAX });
  }

  /** @throws what is wrong with the room, its rows or PostgreSQL; nothing has changed then. */
  async take(connection: MirrorConnection, room: MirroredRoom): Promise<TurnOutcome> {
    const step = this.#read(room);
    if (step === null) return this.#gone(connection, room);
    switch (step.kind) {
      case 'level':
        room.stands(room.watermark, step.head);
        return 'done';
      case 'outdated':
        return this.#bringUpToDate(room);
      case 'restart':
        return this.#restart(connection, room, step);
      case 'apply':
        return this.#apply(connection, room, step);
      default:
        return exhaustive(step);
    }
  }

  /**
   * Begins to compare a room with its mirror, at one version of both: from when this resolves on both are snapshots, and the room may go on.
   * @returns what becomes of it; null: not now, since the room has to be brought up first
   */
  async compare(connection: MirrorConnection, room: MirroredRoom): Promise<Comparison | null> {
    const { names, runtime, turn } = this.#options;
    const model = this.#modelOf(room);
    const begun = this.#beginDigest(room);
    if (begun === null || model === undefined) return null;
    const { digest, step } = begun;
    this.#digests.set(room.key, digest);
    const end = (): void => {
      this.#digests.delete(room.key);
      digest.end();
    };
    try {
      if (step.kind === 'apply') await this.#apply(connection, room, step);
      let theirs: Promise<RoomDigest | null> = Promise.resolve(null);
      const at = await new Promise<BookmarkParts | null>((resolve, reject) => {
        theirs = mirrorDigest(connection, names, room.address, model, runtime, resolve);
        theirs.catch(reject);
      });
      if (at?.version !== digest.version || at.historyId !== digest.historyId) throw new WatermarkMoved();
      const differing = Promise.all([digest.whole(turn), theirs]).then(([ours, found]) =>
        ours === null || found === null ? null : differingTables(ours, found),
      );
      return { differing: differing.finally(end) };
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Lets go of what holds a room's log; turns hold it for a moment only. */
  letGo(key: string): void {
    this.#digests.get(key)?.end();
  }

  close(): void {
    for (const digest of this.#digests.values()) digest.end();
  }

  /** Whether a deleted room has something due. */
  isDue({ watermark }: MirroredRoom): boolean {
    if (watermark?.state !== 'deleted') return false;
    return this.#options.runtime.nowMs() >= this.#dueMs(watermark);
  }

  /** The digest of a room and the step that brings its mirror to the very same version; null where one step does not. */
  #beginDigest(room: MirroredRoom): { readonly digest: FileDigest; readonly step: RoomStep } | null {
    const { source, runtime } = this.#options;
    const model = this.#modelOf(room);
    for (let tries = 0; tries < CHECK_TRIES && model !== undefined && !room.isForced; tries += 1) {
      const database = source.openOwn(room.address);
      if (database === null) return null;
      const digest = new FileDigest(database, model, runtime);
      const step = this.#readOrEnd(room, digest);
      const isLevel = step?.kind === 'level' || (step?.kind === 'apply' && step.next.state === 'live');
      if (step !== null && isLevel && step.head === digest.version) return { digest, step };
      digest.end();
      if (!isLevel) return null;
    }
    return null;
  }

  #readOrEnd(room: MirroredRoom, digest: FileDigest): RoomStep | null {
    try {
      return this.#read(room);
    } catch (error) {
      digest.end();
      throw error;
    }
  }

  /** Null: the room has no file. */
  #read(room: MirroredRoom): RoomStep | null {
    const database = this.#options.source.open(room.address);
    if (database === null) return null;
    const steps = this.#stepsOf(room);
    return room.isForced ? steps.restart(database) : steps.next(database, room.watermark);
  }

  async #apply(connection: MirrorConnection, room: MirroredRoom, step: RoomStep & { kind: 'apply' }): Promise<TurnOutcome> {
    const rows = await this.writer.apply(connection, room.address, room.watermark, step);
    room.stands(step.next, step.head);
    room.counts.applied(rows);
    return step.next.state === 'live' ? 'done' : 'more';
  }

  async #restart(connection: MirrorConnection, room: MirroredRoom, step: RoomStep & { kind: 'restart' }): Promise<TurnOutcome> {
    if (step.next !== room.watermark) {
      await this.writer.move(connection, room.address, room.watermark, step.next);
      room.isForced = false;
      room.stands(step.next, step.head);
      return 'more';
    }
    if (!(await this.writer.clear(connection, room.address, step.next))) return 'more';
    const database = this.#options.source.open(room.address);
    const begun = database === null ? null : this.#stepsOf(room).begin(database);
    return begun?.kind === 'apply' ? this.#apply(connection, room, begun) : 'more';
  }

  /** The room's file is of another schema than the server's definition: whoever writes it brings it there, when it opens it. */
  async #bringUpToDate(room: MirroredRoom): Promise<TurnOutcome> {
    await this.#options.source.bringUpToDate(room.address);
    const step = this.#read(room);
    if (step?.kind !== 'outdated') return 'more';
    throw new AlcoveError('schema_mismatch', 'the room’s file has another schema than its definition');
  }

  async #gone(connection: MirrorConnection, room: MirroredRoom): Promise<TurnOutcome> {
    const { watermark } = room;
    if (watermark === null) return 'forgotten';
    room.isForced = false;
    const { nowMs } = this.#options.runtime;
    if (watermark.state !== 'deleted')
      return this.#to(connection, room, { ...watermark, state: 'deleted', position: { phase: 'clear' }, deletedMs: nowMs() });
    if (nowMs() < this.#dueMs(watermark)) return 'done';
    if (watermark.position !== null) {
      if (!(await this.writer.clear(connection, room.address, watermark))) return 'more';
      return this.#to(connection, room, { ...watermark, position: null });
    }
    await this.writer.forget(connection, room.address);
    return 'forgotten';
  }

  async #to(connection: MirrorConnection, room: MirroredRoom, next: Watermark): Promise<TurnOutcome> {
    await this.writer.move(connection, room.address, room.watermark, next);
    room.stands(next);
    return 'done';
  }

  /** When the rows of a deleted room go; when they are gone, its tombstone. */
  #dueMs({ deletedMs, position }: Watermark): number {
    return (deletedMs ?? 0) + this.#options.retentionMs + (position === null ? TOMBSTONE_MS : 0);
  }

  #modelOf({ address }: MirroredRoom): RoomModel | undefined {
    return this.#options.definitions.find(({ name }) => name === address.name)?.model;
  }

  #stepsOf({ address }: MirroredRoom): RoomSteps {
    const steps = this.#steps.get(address.name);
    if (steps === undefined) throw new AlcoveError('room_unknown', `rooms of the name ${address.name} are not mirrored`);
    return steps;
  }
}
