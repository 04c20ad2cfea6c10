import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { AlcoveError } from '../error.ts';
import { mutator } from './define-mutator.ts';
import {
  type AnyRoom,
  type CursorOf,
  defineRoom,
  type EphemeralName,
  type EphemeralOf,
  type MutatorArgs,
  type MutatorName,
  type PresenceOf,
  type SchemaOf,
  type ValueName,
  type ValueOf,
} from './define-room.ts';
import { counter, value } from './values.ts';

const stops = sqliteTable('stops', { id: text().primaryKey(), city: text().notNull(), visits: integer().notNull().default(0) });
const secrets = sqliteTable('secrets', { id: text().primaryKey() });

const trip = defineRoom({
  name: 'trip',
  schema: { stops, secrets },
  serverOnly: ['secrets'],
  mutators: {
    addStop: mutator(v.object({ id: v.string(), city: v.string(), visits: v.optional(v.number(), 1) }), (tx, stop, ctx) => {
      expectTypeOf(stop).toEqualTypeOf<{ id: string; city: string; visits: number }>();
      expectTypeOf(ctx.now).toEqualTypeOf<number>();
      tx.insert(stops).values(stop).run();
    }),
    clear: mutator((tx, args) => {
      expectTypeOf(args).toEqualTypeOf<undefined>();
      return tx.delete(stops).run();
    }),
  },
  presence: v.object({ name: v.string(), color: v.optional(v.string(), 'red') }),
  values: { budget: value(v.number(), { intervalMs: 2_000 }), likes: counter() },
  ephemeral: { typing: v.boolean() },
});
type Trip = typeof trip;

const codeOf = (run: () => unknown): { code: string; message: string } => {
  try {
    run();
  } catch (error) {
    if (error instanceof AlcoveError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new AlcoveError('internal', 'nothing was thrown');
};

describe('defineRoom', () => {
  it('[SC-1] keeps every type from the definition to its users', () => {
    expectTypeOf(trip).toExtend<AnyRoom>();
    expectTypeOf<SchemaOf<Trip>['stops']>().toEqualTypeOf<typeof stops>();
    expectTypeOf<MutatorName<Trip>>().toEqualTypeOf<'addStop' | 'clear'>();
    expectTypeOf<MutatorArgs<Trip, 'addStop'>>().toEqualTypeOf<{ id: string; city: string; visits?: number | undefined }>();
    expectTypeOf<MutatorArgs<Trip, 'clear'>>().toEqualTypeOf<undefined>();
    expectTypeOf<PresenceOf<Trip>>().toEqualTypeOf<{ name: string; color: string }>();
    expectTypeOf<CursorOf<Trip>>().toEqualTypeOf<undefined>();
    expectTypeOf<ValueName<Trip>>().toEqualTypeOf<'budget' | 'likes'>();
    expectTypeOf<ValueOf<Trip, 'budget'>>().toEqualTypeOf<number>();
    expectTypeOf<ValueOf<Trip, 'likes'>>().toEqualTypeOf<number>();
    expectTypeOf<EphemeralName<Trip>>().toEqualTypeOf<'typing'>();
    expectTypeOf<EphemeralOf<Trip, 'typing'>>().toEqualTypeOf<boolean>();
  });

  it('[SC-1] types a bare room, and any room through AnyRoom', () => {
    const bare = defineRoom({ name: 'bare', schema: { stops } });
    expectTypeOf<MutatorName<typeof bare>>().toEqualTypeOf<never>();
    expectTypeOf<PresenceOf<typeof bare>>().toEqualTypeOf<undefined>();
    const any: AnyRoom = bare;
    expect(any.mutators).toEqual({});
    expect(any.values).toEqual({});
    expectTypeOf<MutatorArgs<AnyRoom, string>>().toEqualTypeOf<unknown>();
  });

  it('[SC-2] makes an asynchronous mutator a type error', () => {
    const schema = v.object({ id: v.string() });
    // @ts-expect-error a promise
    mutator(schema, async (tx) => {
      await tx.delete(stops);
    });
    // @ts-expect-error a builder that was not run, which is thenable
    mutator(schema, (tx) => tx.delete(stops));
    // @ts-expect-error a promise, without arguments
    mutator(async () => undefined);
    expect(mutator(schema, (tx) => tx.delete(stops).run()).kind).toBe('mutator');
  });

  it('[SC-2] refuses a table name as serverOnly that is not in the schema', () => {
    // @ts-expect-error no such table
    const refused = codeOf(() => defineRoom({ name: 'x', schema: { stops }, serverOnly: ['nothing'] }));
    expect(refused.code).toBe('schema_invalid');
    expect(refused.message).toContain('"nothing"');
  });

  it('[SC-3] takes arguments of a mutator without a validator only where there are none', () => {
    const { schema } = mutator(() => undefined);
    expect(schema['~standard'].validate(undefined)).toEqual({ value: undefined });
    expect(schema['~standard'].validate(null)).toEqual({ value: undefined });
    expect(schema['~standard'].validate({ id: 1 })).toHaveProperty('issues');
  });

  it('[SC-2] refuses, at the definition, a mutator without a body or without a schema', () => {
    const schema = v.object({});
    // @ts-expect-error no body
    expect(codeOf(() => mutator(schema)).code).toBe('schema_invalid');
    const body = (): void => undefined;
    // @ts-expect-error no schema
    expect(codeOf(() => mutator(body, body)).code).toBe('schema_invalid');
  });

  it('[SC-4] is frozen to its depth', () => {
    expect(Object.isFrozen(trip)).toBe(true);
    expect(Object.isFrozen(trip.mutators)).toBe(true);
    expect(Object.isFrozen(trip.model.tables[0]?.columns[0])).toBe(true);
    expect(trip.model.tables.map((table) => [table.name, table.serverOnly])).toEqual([
      ['stops', false],
      ['secrets', true],
      ['alcove_values', false],
    ]);
  });

  it.each(['', '1trip', 'a b', '../trip', 'a'.repeat(65)])('[SC-5] refuses the room name %j', (name) => {
    expect(codeOf(() => defineRoom({ name, schema: { stops } })).code).toBe('schema_invalid');
  });

  it.each(['then', 'constructor', '__proto__', 'toString', 'a b', ''])(
    '[SC-5] refuses a mutator, value or ephemeral key named %j',
    (name) => {
      const mutators = Object.defineProperty({}, name, { value: mutator(() => undefined), enumerable: true });
      expect(codeOf(() => defineRoom({ name: 'x', schema: { stops }, mutators })).code).toBe('schema_invalid');
      const values = Object.defineProperty({}, name, { value: counter(), enumerable: true });
      expect(codeOf(() => defineRoom({ name: 'x', schema: { stops }, values })).code).toBe('schema_invalid');
    },
  );

  it.each<[unknown, string]>([
    [{ mutatorz: {} }, 'defineRoom takes no "mutatorz": did you mean mutators?'],
    [{ serveronly: [] }, 'did you mean serverOnly?'],
    [{ wings: 1 }, 'defineRoom takes no "wings": it takes name, schema, serverOnly'],
    [{ schema: undefined }, 'schema of the room "x" must be an object of Drizzle tables by name, and is undefined'],
    [{ schema: [stops] }, 'and is an array'],
    [{ mutators: null }, ''],
    [{ mutators: 'add' }, 'mutators of the room "x" must be an object by name, and is "add"'],
    [{ mutators: { add: () => undefined } }, 'mutators.add of the room "x" must be what `mutator` makes, and is a function'],
    [{ values: { zoom: v.number() } }, 'values.zoom of the room "x" must be what `value` or `counter` makes, and is an object'],
    [{ migrations: 'ALTER' }, 'migrations of the room "x" must be a list'],
  ])('[SC-20] refuses what plain JavaScript may hand over: %j', (more, message) => {
    const config = { name: 'x', schema: { stops }, ...(more as object) } as Parameters<typeof defineRoom>[0];
    if (message === '') expect(defineRoom(config).kind).toBe('room');
    else expect(codeOf(() => defineRoom(config))).toEqual({ code: 'schema_invalid', message: expect.stringContaining(message) });
  });

  it('[SC-20] takes another definition with some parts changed', () => {
    const first = defineRoom({ name: 'x', schema: { stops } });
    const renamed = defineRoom({ ...first, name: 'y', mutators: { nothing: mutator(() => undefined) } });
    expect(renamed).toMatchObject({ kind: 'room', name: 'y', model: { schemaId: first.model.schemaId } });
    expect(codeOf(() => defineRoom({ ...first, mutatorz: {} } as object as Parameters<typeof defineRoom>[0])).message).toContain(
      'did you mean mutators?',
    );
  });

  it('[SC-21] one made of another keeps what stays in the room there, how tables are made, and its migrations', () => {
    const first = defineRoom({
      name: 'x',
      schema: { stops, secrets },
      serverOnly: ['secrets'],
      withoutRowid: ['stops'],
      migrations: [{ id: '1', sql: 'UPDATE stops SET city = 1; UPDATE stops SET city = 2' }],
    });
    const ruled = defineRoom({ ...first, rules: { stops: { visibleTo: () => false } } });
    expect(ruled.model).toEqual(first.model);
    expect(ruled.model.tables.map(({ serverOnly, withoutRowid }) => [serverOnly, withoutRowid]).slice(0, 2)).toEqual([
      [false, true],
      [true, false],
    ]);
    expect(ruled.migrations).toEqual(first.migrations);
    expect(ruled.tableRules).toHaveLength(1);
    expect(defineRoom({ ...first, serverOnly: [] }).model.tables.some(({ serverOnly }) => serverOnly)).toBe(false);
  });

  it('[SC-20] says what was expected where there is no config, and takes options that are undefined', () => {
    const nothing: unknown[] = [undefined, null, 'trip'];
    for (const config of nothing) {
      const refused = codeOf(() => defineRoom(config as Parameters<typeof defineRoom>[0]));
      expect(refused).toEqual({
        code: 'schema_invalid',
        message: expect.stringMatching(/^defineRoom takes an object of options, and got /),
      });
    }
    const options: object = { name: 'x', schema: { stops }, mutators: undefined, cursor: undefined };
    expect(defineRoom(options as Parameters<typeof defineRoom>[0]).mutators).toEqual({});
  });

  it.each<[string, unknown[]]>([
    ['and got an object', [{}]],
    ['and got undefined', []],
    ['and got a schema and undefined', [v.object({})]],
    ['mutator takes no "idempotnt": did you mean idempotent?', [() => undefined, { idempotnt: true }]],
    ['did you mean idempotent?', [v.object({}), () => undefined, { idempotentt: true }]],
  ])('[SC-20] refuses a mutator: %s', (message, given) => {
    const refused = codeOf(() => Reflect.apply(mutator, undefined, given));
    expect(refused).toEqual({ code: 'schema_invalid', message: expect.stringContaining(message) });
  });

  it('[SC-20] refuses options of values and counters that there are not', () => {
    const options = { intervalMS: 100 } as object;
    expect(codeOf(() => value(v.number(), options)).message).toBe('value takes no "intervalMS": did you mean intervalMs?');
    expect(codeOf(() => counter(options)).message).toBe('counter takes no "intervalMS": did you mean intervalMs?');
    expect(codeOf(() => Reflect.apply(value, undefined, [{}])).message).toBe('value takes a Standard Schema, and got an object');
  });

  it.each([0, 49, 1.5, 3_600_001, Number.NaN])('[SC-6] refuses an interval of %s ms', (intervalMs) => {
    expect(codeOf(() => value(v.number(), { intervalMs })).code).toBe('schema_invalid');
    expect(codeOf(() => counter({ intervalMs })).code).toBe('schema_invalid');
  });
});
