import type { PoolClient } from 'pg';
import type { PolicySql } from '../../mirror/control-ddl.ts';
import { quoteText } from '../../mirror/mirror-names.ts';
import { writtenMark } from './written-mark.ts';

/** A policy as the catalog has it. */
interface StandingPolicy {
  readonly name: string;
  readonly comment: string | null;
  /** Everything that it says. */
  readonly made: string;
}

/**
 * Puts a table under row security, also for its owner, with these policies as they are given: one that an older build wrote, or that somebody altered, is made anew. Others that stand there are left. What is as it should be is
 * not touched: each of these steps waits for everybody who reads the table.
 * @param client In a transaction: nobody sees the table without a policy.
 * @param table As it stands in SQL.
 */
export async function secureTable(client: PoolClient, table: string, policies: readonly PolicySql[]): Promise<void> {
  const { rows } = await client.query<{ enabled: boolean; forced: boolean }>(
    'SELECT relrowsecurity AS enabled, relforcerowsecurity AS forced FROM pg_class WHERE oid = $1::regclass',
    [table],
  );
  if (rows[0]?.enabled !== true) await client.query(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`);
  if (rows[0]?.forced !== true) await client.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
  const standing = await standingOf(client, table);
  const stale = policies.filter((policy) => !isAsGiven(policy, standing.get(policy.name)));
  for (const { name, sql } of stale) {
    if (standing.has(name)) await client.query(`DROP POLICY ${name} ON ${table}`);
    await client.query(sql);
  }
  if (stale.length === 0) return;
  const made = await standingOf(client, table);
  for (const { name, sql } of stale)
    await client.query(`COMMENT ON POLICY ${name} ON ${table} IS ${quoteText(writtenMark(sql, made.get(name)?.made ?? ''))}`);
}

async function standingOf(client: PoolClient, table: string): Promise<ReadonlyMap<string, StandingPolicy>> {
  const { rows } = await client.query<StandingPolicy>(
    `SELECT polname AS name, obj_description(oid, 'pg_policy') AS comment,
      row(polpermissive, polcmd, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))::text AS made
      FROM pg_policy WHERE polrelid = $1::regclass`,
    [table],
  );
  return new Map(rows.map((policy) => [policy.name, policy]));
}

const isAsGiven = ({ sql }: PolicySql, standing: StandingPolicy | undefined): boolean =>
  standing !== undefined && standing.comment === writtenMark(sql, standing.made);
