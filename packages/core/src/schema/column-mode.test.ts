import { blob, integer, numeric, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, test } from 'vitest';
import { tableModelOf } from './table-model.ts';

const options = { serverOnly: false, withoutRowid: false };

describe('column modes', () => {
  test.each([
    ['a blob with a bigint', blob({ mode: 'bigint' })],
    ['a blob with JSON', blob({ mode: 'json' })],
    ['a numeric with a bigint', numeric({ mode: 'bigint' })],
  ])('[DB-35] %s is refused by name', (_, column) => {
    const table = sqliteTable('stops', { id: text().primaryKey(), odd: column });
    expect(() => tableModelOf(table, options)).toThrow(
      expect.objectContaining({
        code: 'schema_invalid',
        message: expect.stringContaining('column "odd"'),
        hint: expect.stringContaining('Use'),
      }),
    );
  });

  test('[DB-35] every other mode passes', () => {
    const table = sqliteTable('stops', {
      id: text().primaryKey(),
      json: text({ mode: 'json' }),
      at: integer({ mode: 'timestamp' }),
      ms: integer({ mode: 'timestamp_ms' }),
      yes: integer({ mode: 'boolean' }),
      bytes: blob({ mode: 'buffer' }),
      n: numeric(),
      m: numeric({ mode: 'number' }),
      r: real(),
    });
    expect(tableModelOf(table, options).columns).toHaveLength(9);
  });
});
