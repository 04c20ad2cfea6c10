import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';
import { RoomWalk } from '../../mirror/room-walk.ts';
import { DigestSum, digestTables, type RoomDigest } from '../../read/room-digest.ts';

/** Rows between two turns of the event loop: some 20 ms. */
const ROWS_A_TURN = 2_000;

/**
 * The digest of a room's own file, taken bit by bit while everything else goes on, of one version: that of its snapshot, which lasts as long. Given up as soon as somebody wants the room's log moved.
 */
export class FileDigest {
  readonly #database: Database;
  readonly #walk: RoomWalk;
  readonly #tables: ReturnType<typeof digestTables>;
  readonly #sums: readonly DigestSum[];
  #isEnded = false;

  /** Takes the database over. */
  constructor(database: Database, model: RoomModel, runtime: Pick<Runtime, 'hmacSha256' | 'utf8'>) {
    this.#database = database;
    this.#tables = digestTables(model);
    this.#sums = this.#tables.map(() => new DigestSum(runtime));
    try {
      this.#walk = new RoomWalk(database, this.#tables);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  get version(): number {
    return this.#walk.version;
  }

  get historyId(): string {
    return this.#walk.historyId;
  }

  /** Null: it was ended before. */
  async whole(turn: () => Promise<void>): Promise<RoomDigest | null> {
    while (!this.#isEnded && !this.#some()) await turn();
    if (this.#isEnded) return null;
    this.end();
    const tables = this.#tables.map(({ name }, index) => ({
      table: name,
      rows: this.#sums[index]?.rows ?? 0,
      checksum: this.#sums[index]?.checksum ?? '',
    }));
    return { at: { historyId: this.#walk.historyId, version: this.#walk.version }, tables };
  }

  /** Lets the snapshot go. Idempotent. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#walk.end();
    this.#database.close();
  }

  /** Whether that was all. */
  #some(): boolean {
    for (let rows = 0; rows < ROWS_A_TURN; rows += 1) {
      const row = this.#walk.next();
      if (row === null) return true;
      this.#sums[row.table]?.add(row.cells);
    }
    return false;
  }
}
