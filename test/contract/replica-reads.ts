import type { WireCell } from '@alcove/core/change/wire-rows';
import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Row } from '@alcove/core/sqlite/database';
import type { ReadSight } from '../../packages/server/src/read/read-sight.ts';
import type { ReadAnswer, ReadBounds, ReadRequest, Replica } from '../../packages/server/src/read/replica.ts';

/** A primary with rooms of `readRoom`, and a replica of them. */
export interface ReplicaWorld {
  readonly replica: Replica;
  /** A new, empty room. */
  makeRoom(): Promise<ReplicaRoom>;
  sight(claims: Claims): ReadSight;
  /** SQL with `?` for its parameters as the replica's dialect has it. */
  sqlOf(text: string): string;
  close(): Promise<void>;
}

export interface ReplicaRoom {
  readonly address: ReadRequest['room'];
  /** Calls a mutator of `readRoom` in the primary; the replica may hear of it later. */
  mutate(name: 'putStop' | 'putStops' | 'putNote' | 'putAudit', args: unknown): Promise<BookmarkParts>;
}

/** The code a read failed with; what it was instead, where it did not. */
export const codeOf = (read: Promise<unknown>): Promise<unknown> =>
  read.catch((error: unknown) => (error instanceof AlcoveError ? error.code : error));

export const BOUNDS: ReadBounds = { timeoutMs: 10_000, rowsMax: 10_000, bytesMax: 1_000_000 };

interface Asked extends Partial<ReadBounds> {
  readonly user?: string;
  readonly params?: Row;
  readonly claims?: Claims;
  readonly atLeast?: BookmarkParts;
  readonly signal?: AbortSignal;
}

/** Reads of one room. */
export class ReplicaReads {
  readonly #world: Pick<ReplicaWorld, 'replica' | 'sight' | 'sqlOf'>;
  readonly #room: ReadRequest['room'];

  constructor(world: Pick<ReplicaWorld, 'replica' | 'sight' | 'sqlOf'>, room: ReplicaRoom) {
    this.#world = world;
    this.#room = room.address;
  }

  /** As it is asked, once. */
  read(text: string, { params = [], claims = { all: true }, atLeast, signal, user, ...bounds }: Asked = {}): Promise<ReadAnswer> {
    const { replica, sight, sqlOf } = this.#world;
    const request = {
      room: this.#room,
      sql: sqlOf(text),
      params,
      sight: sight(claims),
      atLeast: atLeast ?? null,
      bounds: { ...BOUNDS, ...bounds },
      user,
    };
    return replica.read(request, signal ?? new AbortController().signal);
  }

  /** Asks until the replica is where it is wanted, and gives the rows. */
  async rows(text: string, asked: Asked = {}): Promise<WireCell[][]> {
    for (;;) {
      try {
        return rowsIn(await this.read(text, asked));
      } catch (error) {
        if (!(error instanceof AlcoveError) || error.code !== 'read_behind') throw error;
      }
    }
  }
}

/** Cells come column by column. */
export const rowsIn = ({ cells, rows }: ReadAnswer): WireCell[][] => {
  const columns = JSON.parse(cells) as WireCell[][]; // what ReadAnswer says it holds
  return Array.from({ length: rows }, (_, row) => columns.map((column) => column[row] ?? null));
};
