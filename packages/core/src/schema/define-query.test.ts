import { sql } from 'drizzle-orm';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { RowOf } from '../sqlite/built-query.ts';
import { query } from './define-query.ts';

describe('query', () => {
  it('[RD-85] is of SQLite unless it says otherwise', () => {
    const own = query(() => sql<{ n: number }>`select 1 as n`);
    const postgres = query(v.string(), (_, name) => sql<{ n: string }>`select ${name} as n`, { dialect: 'postgres' });
    expect([own.dialect, postgres.dialect, query(() => sql`select 1`, { dialect: 'sqlite' }).dialect]).toEqual([
      'sqlite',
      'postgres',
      'sqlite',
    ]);
    expectTypeOf<RowOf<ReturnType<typeof own.body>>>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<RowOf<ReturnType<typeof postgres.body>>>().toEqualTypeOf<{ n: string }>();
    expectTypeOf(postgres.schema['~standard'].types).toEqualTypeOf<{ readonly input: string; readonly output: string } | undefined>();
  });

  it('refuses options that are none', () => {
    const loosely = query as (...args: readonly unknown[]) => unknown; // what callers without types may do
    const body = (): unknown => sql`select 1`;
    for (const args of [
      [body, { dialect: 'mysql' }],
      [body, { dialcet: 'postgres' }],
      [body, null],
      [v.string(), body, { dialect: undefined }],
      [v.string(), { dialect: 'postgres' }],
      [body, body, { dialect: 'postgres' }],
    ])
      expect(() => loosely(...args)).toThrow(expect.objectContaining({ code: 'schema_invalid' }));
  });
});
