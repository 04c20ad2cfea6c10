import type { PoolClient } from 'pg';

/**
 * Runs `work` in a transaction of a client that was lent, and gives the client back: for good where not even the ROLLBACK came through. Where COMMIT itself fails nobody knows what became of it.
 * @param begin Opens the transaction.
 * @throws what `work`, BEGIN or COMMIT throws
 */
export async function inTransaction<T>(client: PoolClient, work: (client: PoolClient) => Promise<T>, begin = 'BEGIN'): Promise<T> {
  let isBroken = true;
  try {
    await client.query(begin);
    const value = await work(client);
    await client.query('COMMIT');
    isBroken = false;
    return value;
  } catch (error) {
    isBroken = await client.query('ROLLBACK').then(
      () => false,
      () => true,
    );
    throw error;
  } finally {
    client.release(isBroken);
  }
}
