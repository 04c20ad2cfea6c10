import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { PoolClient, QueryResultRow } from 'pg';
import { clearStatement } from '../../mirror/batch-statements.ts';
import { markOf } from '../../mirror/control-ddl.ts';
import type { MirrorNames } from '../../mirror/mirror-names.ts';
import { attempt } from './attempt.ts';

/** Something else needs it, or it is somebody else's. */
const STANDS_IN_THE_WAY: ReadonlySet<string> = new Set(['2BP01', '42501']);

/** Rows of one table that one look takes away of a room that was deleted before its definition went. */
const CLEAR_ROWS = 5_000;

/**
 * Definitions that have been mirrored and are no more: left out of `mirror.rooms`, or of the server. Nobody keeps their rows in step, so nobody is shown them; they stay for the retention, in case that was not meant. A definition that
 * is mirrored again goes on from its watermarks.
 */
export class RetiredDefinitions {
  readonly #names: MirrorNames;
  readonly #mirrored: readonly string[];

  /** @param mirrored Names of the definitions that are mirrored. */
  constructor(names: MirrorNames, mirrored: readonly string[]) {
    this.#names = names;
    this.#mirrored = mirrored;
  }

  /**
   * Within the transaction that provisions: marks their rooms and takes every right to their tables away.
   * @returns the definitions that were mirrored until now
   */
  async retire(client: PoolClient): Promise<readonly string[]> {
    const found = await rowsOf<{ room: string }>(
      client,
      `WITH retired AS (UPDATE ${this.#names.watermarks} SET state = 'retired', deleted_at = now()
        WHERE room <> ALL($1) AND state NOT IN ('retired', 'deleted') RETURNING room) SELECT DISTINCT room FROM retired ORDER BY room`,
      [this.#mirrored],
    );
    const roles = [this.#names.readerRole, this.#names.analystRole].map(quoteIdentifier).join(', ');
    for (const { name, schema } of await this.#standing(client)) {
      const tables = await this.#tables(client, schema);
      await client.query(`REVOKE ALL ON SCHEMA ${quoteIdentifier(schema)} FROM ${roles}`);
      if (tables.length > 0)
        await client.query(`REVOKE ALL ON ${tables.map((table) => this.#names.tableOf(name, table)).join(', ')} FROM ${roles}`);
      // Nothing says whose these rows are.
      if (!(await this.#isKnown(client, name))) await this.#remove(client, name, tables);
    }
    return found.map(({ room }) => room);
  }

  /**
   * Within a transaction: takes away what is past its retention. Of a definition that is tables, schema and watermarks; of a room that was deleted before, its rows, a bounded number at a time.
   * @returns the definitions that are gone
   */
  async removeDue(client: PoolClient, retentionMs: number): Promise<readonly string[]> {
    const due = await rowsOf<{ room: string; all: boolean }>(
      client,
      `SELECT room, bool_and(coalesce(deleted_at <= clock_timestamp() - make_interval(secs => $2), false)) AS all FROM ${this.#names.watermarks}
        WHERE room <> ALL($1) GROUP BY room HAVING bool_or(deleted_at <= clock_timestamp() - make_interval(secs => $2))`,
      [this.#mirrored, retentionMs / 1_000],
    );
    for (const { room, all } of due) {
      const tables = await this.#tables(client, this.#names.schemaOf(room));
      if (all) await this.#remove(client, room, tables);
      else await this.#clearDeleted(client, room, tables, retentionMs);
    }
    return due.filter(({ all }) => all).map(({ room }) => room);
  }

  /** What stands in the way, such as a view of the app's, stays; no row does. */
  async #remove(client: PoolClient, name: string, tables: readonly string[]): Promise<void> {
    for (const table of tables) await dropTable(client, this.#names.tableOf(name, table));
    await attempt(client, `DROP SCHEMA IF EXISTS ${quoteIdentifier(this.#names.schemaOf(name))}`, STANDS_IN_THE_WAY);
    await client.query(`DELETE FROM ${this.#names.watermarks} WHERE room = $1`, [name]);
  }

  async #clearDeleted(client: PoolClient, name: string, tables: readonly string[], retentionMs: number): Promise<void> {
    const gone = await rowsOf<{ id: string }>(
      client,
      `SELECT id FROM ${this.#names.watermarks} WHERE room = $1 AND state = 'deleted' AND position IS NOT NULL
        AND deleted_at <= clock_timestamp() - make_interval(secs => $2) ORDER BY deleted_at LIMIT 1 FOR UPDATE`,
      [name, retentionMs / 1_000],
    );
    for (const { id } of gone) {
      let isClear = true;
      for (const table of tables) {
        const { text, values } = clearStatement(this.#names, { name, id }, table, CLEAR_ROWS);
        if (((await client.query(text, [...values])).rowCount ?? 0) >= CLEAR_ROWS) isClear = false;
      }
      if (isClear) await client.query(`UPDATE ${this.#names.watermarks} SET position = NULL WHERE room = $1 AND id = $2`, [name, id]);
    }
  }

  /** Schemas that are marked as this mirror's, of definitions that are not mirrored. */
  async #standing(client: PoolClient): Promise<readonly { readonly name: string; readonly schema: string }[]> {
    const mark = markOf(this.#names, 'rooms ');
    const found = await rowsOf<{ schema: string; comment: string }>(
      client,
      `SELECT nspname AS schema, obj_description(oid, 'pg_namespace') AS comment FROM pg_namespace
        WHERE starts_with(obj_description(oid, 'pg_namespace'), $1) ORDER BY nspname`,
      [mark],
    );
    return found
      .map(({ schema, comment }) => ({ schema, name: comment.slice(mark.length) }))
      .filter(({ schema, name }) => schema === this.#names.schemaOf(name) && !this.#mirrored.includes(name));
  }

  async #tables(client: PoolClient, schema: string): Promise<readonly string[]> {
    const found = await rowsOf<{ name: string }>(
      client,
      'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND tableowner = current_user ORDER BY tablename',
      [schema],
    );
    return found.map(({ name }) => name);
  }

  async #isKnown(client: PoolClient, name: string): Promise<boolean> {
    return (await rowsOf(client, `SELECT 1 FROM ${this.#names.watermarks} WHERE room = $1 LIMIT 1`, [name])).length > 0;
  }
}

/** What stands in the way, such as a view of the app's, stays; the rows do not. Within a transaction. */
export async function dropTable(client: PoolClient, table: string): Promise<void> {
  if (!(await attempt(client, `DROP TABLE ${table}`, STANDS_IN_THE_WAY))) await client.query(`TRUNCATE ${table}`);
}

const rowsOf = async <Found extends QueryResultRow>(client: PoolClient, text: string, values: readonly unknown[]): Promise<Found[]> =>
  (await client.query<Found>(text, [...values])).rows;
