import { installCapture } from '@alcove/core/change/install-capture';
import { Capture } from '@alcove/core/change/capture';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import { roomDdl } from '@alcove/core/schema/ddl';
import { counter } from '@alcove/core/schema/values';
import type { Database } from '@alcove/core/sqlite/database';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { fc } from '../fake/properties.ts';
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogTables } from '../../packages/server/src/change-log/log-tables.ts';
import { runMutation } from '../../packages/core/src/mutation/run-mutation.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { codeOf } from './code-of.ts';
import { engines } from './engines.ts';

const stops = sqliteTable('stops', { id: text().primaryKey(), nights: integer().notNull().default(0) });
const trip = defineRoom({
  name: 'trip',
  schema: { stops },
  values: { likes: counter() },
  mutators: { run: mutator(v.object({ sql: v.string() }), (tx, args) => void tx.run(sql.raw(args.sql))) },
});

/** Ways to read a table in a statement that is fine otherwise. */
const FORMS: readonly ((table: string) => string)[] = [
  (table) => `insert into stops (id) select 'x' from ${table} limit 1`,
  (table) => `insert into stops (id) select 'x' from stops, ${table}`,
  (table) => `insert into stops (id) values ((select count(*) from main.${table}))`,
  (table) => `update stops set nights = (select count(*) from (select 1 from ${table}))`,
  (table) => `update stops set nights = 1 from ${table} as own`,
  (table) => `delete from stops where exists (select 1 from stops as other join ${table} on 1)`,
  (table) => `delete from stops where id in ${table}`,
  (table) => `with own as (select * from ${table}) select count(*) from own`,
];
const QUOTES: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => `"${name}"`,
  (name) => `[${name}]`,
  (name) => `\`${name}\``,
  (name) => `'${name}'`,
];

const open: Database[] = [];
afterEach(() => {
  for (const database of open.splice(0)) database.close();
});

describe.each(engines)('tables of the room’s own, on $name', (engine) => {
  /** As a room has it, or as a tab has it. */
  const side = async (isServer: boolean): Promise<{ tables: string[]; run: (text: string) => unknown }> => {
    const database = await engine.open();
    open.push(database);
    for (const ddl of roomDdl(trip.model, { serverOnly: isServer })) database.exec(ddl);
    if (isServer) createLogTables(database);
    installCapture(database, trip.model);
    const capture = new Capture(database, trip.model);
    capture.start();
    const limits = { rowsMax: 100, statementsMax: 10, timeBudgetMs: 60_000 };
    let mutationId = 0;
    const run = (text: string): unknown => {
      mutationId += 1;
      const mutation = { clientId: 'c', mutationId, name: 'run', args: { sql: text }, seed: 'seed', nowMs: 1 };
      return codeOf(() =>
        runMutation({ database, room: trip, mutation, capture, user: null, isServer, serverNowMs: 1, limits, runtime: new FakeRuntime() }),
      );
    };
    const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    return { tables: names.map(([name]) => String(name)).filter((name) => name.startsWith('alcove_')), run };
  };

  it('[MU-19] a mutator that reads one is refused in the tab and in the room alike, however it is written', async () => {
    const [room, tab] = [await side(true), await side(false)];
    const own = [...room.tables, 'sqlite_schema', 'sqlite_master'].filter((name) => name !== 'alcove_values');
    expect(own).toContain('alcove_clients');
    fc.assert(
      fc.property(fc.constantFrom(...own), fc.constantFrom(...FORMS), fc.constantFrom(...QUOTES), (name, form, quote) => {
        const statement = form(quote(name));
        expect([room.run(statement), tab.run(statement)], statement).toEqual(['sql_refused', 'sql_refused']);
      }),
      { numRuns: 400 },
    );
  });

  it('[MU-19] alcove_values is in both and may be read', async () => {
    for (const { run } of [await side(true), await side(false)]) {
      expect(run("insert into stops (id) select 'x' || count(*) from alcove_values")).toBeUndefined();
      expect(run('delete from stops where id in (select key from alcove_values where name = ?)'.replace('?', "'likes'"))).toBeUndefined();
      expect(run("update alcove_values set value = '1'")).toBe('sql_refused');
    }
  });
});
