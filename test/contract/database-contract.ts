import type { Database } from '@alcove/core/sqlite/database';
import { afterEach, beforeEach, describe } from 'vitest';
import { databaseStatementsContract } from './database-statements-contract.ts';
import { databaseTransactionsContract } from './database-transactions-contract.ts';
import { databaseValuesContract } from './database-values-contract.ts';

/** What every driver must do; `makeDatabase` opens an empty database. */
export function databaseContract(name: string, makeDatabase: () => Promise<Database>): void {
  describe(`Database on ${name}`, () => {
    let database: Database;
    beforeEach(async () => {
      database = await makeDatabase();
    });
    afterEach(() => database.close());

    describe('values', () => {
      databaseValuesContract(() => database);
    });
    describe('statements', () => {
      databaseStatementsContract(() => database);
    });
    describe('transactions', () => {
      databaseTransactionsContract(() => database);
    });
  });
}
