import type { PoolClient } from 'pg';
import type { FunctionSql } from '../../mirror/control-ddl.ts';
import { quoteText } from '../../mirror/mirror-names.ts';
import { attempt } from './attempt.ts';
import { writtenMark } from './written-mark.ts';

/** Its result or its parameters are others, or it is no function. */
const ANOTHER_SHAPE: ReadonlySet<string> = new Set(['42P13', '42809']);

interface StandingFunction {
  readonly made: string;
  readonly comment: string | null;
}

/**
 * Makes functions what they are given as, where they are not. One whose shape cannot be replaced is dropped with the policies that call it: those are to be secured after.
 * @param client In a transaction.
 */
export async function writeFunctions(client: PoolClient, functions: readonly FunctionSql[]): Promise<void> {
  for (const { signature, sql } of functions) {
    const before = await standingOf(client, signature);
    if (before !== undefined && before.comment === writtenMark(sql, before.made)) continue;
    if (!(await attempt(client, sql, ANOTHER_SHAPE))) {
      await client.query(`DROP FUNCTION IF EXISTS ${signature} CASCADE`);
      await client.query(sql);
    }
    const made = (await standingOf(client, signature))?.made ?? '';
    await client.query(`COMMENT ON FUNCTION ${signature} IS ${quoteText(writtenMark(sql, made))}`);
  }
}

async function standingOf(client: PoolClient, signature: string): Promise<StandingFunction | undefined> {
  const { rows } = await client.query<StandingFunction>(
    `SELECT pg_get_functiondef(oid) || proowner::text AS made, obj_description(oid, 'pg_proc') AS comment FROM pg_proc WHERE oid = to_regprocedure($1)`,
    [signature],
  );
  return rows[0];
}
