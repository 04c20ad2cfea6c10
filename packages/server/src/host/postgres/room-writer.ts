import { AlcoveError } from '@alcove/core/error';
import { batchStatements, clearStatement, type StatementBounds } from '../../mirror/batch-statements.ts';
import { type MirrorNames, mirroredTables, type MirroredRoom as MirroredDefinition } from '../../mirror/mirror-names.ts';
import type { RoomStep } from '../../mirror/room-step.ts';
import {
  forgetWatermark,
  holdWatermark,
  moveWatermark,
  readWatermarks,
  type Watermark,
  watermarkOf,
  type WatermarkRow,
} from '../../mirror/watermark.ts';
import type { MirrorConnection, RunStatement } from './mirror-connection.ts';
import type { MirroredAddress } from './mirrored-room.ts';

/** Rows of before that one statement takes away. */
const CLEAR_ROWS = 5_000;

/** Somebody else moved the watermark: what stands there is to be read again. */
export class WatermarkMoved extends AlcoveError {
  constructor() {
    super('replica_unavailable', 'the room’s watermark was moved by somebody else; it is read again');
  }
}

/** Writes what a step says, always with the watermark in the same transaction. */
export class RoomWriter {
  readonly #names: MirrorNames;
  readonly #bounds: StatementBounds;
  readonly #tables: ReadonlyMap<string, readonly string[]>;

  constructor(names: MirrorNames, definitions: readonly MirroredDefinition[], bounds: StatementBounds) {
    this.#names = names;
    this.#bounds = bounds;
    this.#tables = new Map(definitions.map(({ name, model }) => [name, mirroredTables(model).map((table) => table.name)]));
  }

  /** All there are, or one. */
  async watermarks(connection: MirrorConnection, room?: MirroredAddress): Promise<ReturnType<typeof watermarkOf>[]> {
    const { text, values } = readWatermarks(this.#names, room);
    const { rows } = await connection.pool.query<WatermarkRow>(text, [...values]);
    return rows.map(watermarkOf);
  }

  /**
   * @returns rows put or deleted
   * @throws WatermarkMoved; what the driver throws; AlcoveError `sql_failed` for a value that PostgreSQL cannot hold. Nothing was written then.
   */
  async apply(
    connection: MirrorConnection,
    room: MirroredAddress,
    before: Watermark | null,
    step: RoomStep & { kind: 'apply' },
  ): Promise<number> {
    // Before there is a transaction: what cannot be put does not get so far.
    const statements = batchStatements(this.#names, room, step.tables, this.#bounds);
    await connection.transaction(async (run) => {
      for (const statement of statements) await run(statement);
      await this.#move(run, room, before, step.next);
    });
    return step.tables.reduce((sum, { puts, gone }) => sum + puts.length + gone.length, 0);
  }

  /** Only the watermark. */
  async move(connection: MirrorConnection, room: MirroredAddress, before: Watermark | null, next: Watermark): Promise<void> {
    await connection.transaction((run) => this.#move(run, room, before, next));
  }

  /**
   * Takes rows of before away, a bounded number at a time, while the room stands at `at`: who was to do it earlier, and is late, must not take away what was copied since.
   * @returns whether none are left
   * @throws WatermarkMoved
   */
  async clear(connection: MirrorConnection, room: MirroredAddress, at: Watermark): Promise<boolean> {
    return connection.transaction(async (run) => {
      const { rowCount: held } = await run(holdWatermark(this.#names, room, at));
      if (held !== 1) throw new WatermarkMoved();
      let isClear = true;
      for (const table of this.#tables.get(room.name) ?? []) {
        const { rowCount } = await run(clearStatement(this.#names, room, table, CLEAR_ROWS));
        if ((rowCount ?? 0) >= CLEAR_ROWS) isClear = false;
      }
      return isClear;
    });
  }

  async forget(connection: MirrorConnection, room: MirroredAddress): Promise<void> {
    await connection.transaction((run) => run(forgetWatermark(this.#names, room)));
  }

  async #move(run: RunStatement, room: MirroredAddress, before: Watermark | null, next: Watermark): Promise<void> {
    const { rowCount } = await run(moveWatermark(this.#names, room, before, next));
    if (rowCount !== 1) throw new WatermarkMoved();
  }
}
