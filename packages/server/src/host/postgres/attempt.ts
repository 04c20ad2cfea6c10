import type { PoolClient } from 'pg';
import { sqlStateOf } from './read-failure.ts';

/**
 * Runs a statement of a transaction that PostgreSQL may refuse.
 * @param refusals SQLSTATEs of the refusals that are foreseen.
 * @returns whether it was done; else the transaction goes on as if nothing had been tried
 * @throws whatever else PostgreSQL says
 */
export async function attempt(client: PoolClient, statement: string, refusals: ReadonlySet<string>): Promise<boolean> {
  await client.query('SAVEPOINT before_attempt');
  try {
    await client.query(statement);
    return true;
  } catch (error) {
    if (!refusals.has(sqlStateOf(error) ?? '')) throw error;
    await client.query('ROLLBACK TO SAVEPOINT before_attempt');
    return false;
  }
}
