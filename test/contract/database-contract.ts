import type { Database } from '@alcove/core/sqlite/database';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** What every driver must do; `makeDatabase` opens an empty database. */
export function databaseContract(name: string, makeDatabase: () => Promise<Database>): void {
  describe(`Database on ${name}`, () => {
    let database: Database;
    beforeEach(async () => {
      database = await makeDatabase();
    });
    afterEach(() => database.close());

    const typeAndValue = (value: null | number | string | Uint8Array) => database.prepare('SELECT typeof(?1), ?1').get([value]);

    test('[DB-1] a safe integer binds as INTEGER', () => {
      expect(database.prepare('SELECT ?/2').get([5])).toEqual([2]);
      for (const value of [0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, 2 ** 52 + 1, 2 ** 53 - 1, -(2 ** 53) + 1]) {
        expect(typeAndValue(value)).toEqual(['integer', value]);
      }
    });
  });
}
