import { AlcoveError } from '@alcove/core/error';
import { Capture } from '@alcove/core/change/capture';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { installCapture } from '@alcove/core/change/install-capture';
import type { Json } from '@alcove/core/json';
import type { MutationLimits } from '@alcove/core/mutation/run-budget';
import { runMutation } from '@alcove/core/mutation/run-mutation';
import type { MutationRun, RunMutationOptions } from '@alcove/core/mutation/run-mutation';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { AnyMutator, MutatorBody, MutatorContext, MutatorTx } from '@alcove/core/schema/define-mutator';
import type { AnyMutators } from '@alcove/core/schema/define-room';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { RoomRules } from '@alcove/core/schema/row-rules';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { blob, integer, primaryKey, real, sqliteTable, text, unique } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import type { Engine } from './engines.ts';

export const stops = sqliteTable('stops', {
  id: text().primaryKey(),
  city: text().notNull().unique(),
  nights: integer().notNull().default(1),
  height: real(),
  photo: blob({ mode: 'buffer' }),
  visited: integer({ mode: 'boolean' }).notNull().default(false),
});
export const notes = sqliteTable(
  'notes',
  {
    stopId: text()
      .notNull()
      .references(() => stops.id, { onDelete: 'cascade' }),
    line: integer().notNull(),
    body: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.stopId, table.line] }), unique().on(table.body)],
);

const schema = { stops, notes };

export const LIMITS: MutationLimits = { rowsMax: 100, statementsMax: 50, timeBudgetMs: 1_000 };
/** Any instant: the page's clock at the call, the room's at the run. */
export const PAGE_MS = Date.UTC(2027, 3, 1, 9);
export const ROOM_MS = PAGE_MS + 1_234;

/** A mutator whose body the types would refuse. */
export const rough = (body: (tx: MutatorTx, args: never, ctx: MutatorContext) => unknown): AnyMutator => ({
  kind: 'mutator',
  schema: v.any(),
  body: body as MutatorBody<never>, // what a body returns is what is under test
});

export const insert = (tx: MutatorTx, id: string, city = id) => tx.insert(stops).values({ id, city }).run();

/** How a run ended: its error. */
export function ending(run: () => MutationRun): AlcoveError {
  try {
    run();
  } catch (error) {
    if (error instanceof AlcoveError) return error;
    throw error;
  }
  throw new TypeError('the run did not fail');
}

/** A database with the tables above and the given mutators, as tab and room have one. */
export class MutationRoom {
  readonly database: Database;
  readonly capture: Capture;
  readonly runtime = new FakeRuntime();
  readonly #room;
  #lastMutationId = 0;

  private constructor(database: Database, mutators: AnyMutators, rules: RoomRules<typeof schema>) {
    this.#room = defineRoom({ name: 'trip', schema, withoutRowid: ['notes'], mutators, rules });
    this.database = database;
    for (const sql of roomDdl(this.#room.model, { serverOnly: true })) database.exec(sql);
    installCapture(database, this.#room.model);
    this.capture = new Capture(database, this.#room.model);
    this.capture.start();
  }

  static async open(engine: Engine, mutators: AnyMutators, rules: RoomRules<typeof schema> = {}): Promise<MutationRoom> {
    return new MutationRoom(await engine.open(), mutators, rules);
  }

  /** One run, in a transaction of its own unless one is open. */
  run(name: string, args: Json = null, more: Partial<RunMutationOptions> & { readonly seed?: string } = {}): MutationRun {
    this.#lastMutationId += 1;
    return runMutation({
      database: this.database,
      room: this.#room,
      mutation: { clientId: 'c', mutationId: this.#lastMutationId, name, args, seed: more.seed ?? 'seed', nowMs: PAGE_MS },
      capture: this.capture,
      user: { sub: 'ada' },
      isServer: true,
      serverNowMs: ROOM_MS,
      limits: LIMITS,
      runtime: this.runtime,
      ...more,
    });
  }

  get model(): RoomModel {
    return this.#room.model;
  }

  take(): ChangeSet {
    return this.capture.take();
  }

  rows(table: 'stops' | 'notes'): Row[] {
    return this.database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all();
  }

  close(): void {
    this.database.close();
  }
}
