import { createHmac, randomBytes } from 'node:crypto';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { Pool, PoolClient } from 'pg';
import {
  controlDdl,
  controlFunctions,
  controlRights,
  FOUND_WATERMARKS,
  markOf,
  tablePolicies,
  watermarkPolicies,
  watermarkUpgrades,
} from '../../mirror/control-ddl.ts';
import { checkNames, MirrorNames, type MirroredRoom, mirroredTables, quoteText } from '../../mirror/mirror-names.ts';
import { hmacPads, readerPassword } from '../../mirror/session-proof.ts';
import { type FoundTable, tableSteps } from '../../mirror/table-ddl.ts';
import { inTransaction } from './in-transaction.ts';
import { type MirrorAccess, mirrorAccess } from './mirror-access.ts';
import { dropTable, RetiredDefinitions } from './retired-definitions.ts';
import { secureTable } from './row-security.ts';
import { scramVerifier } from './scram-verifier.ts';
import { writeFunctions } from './write-functions.ts';

export interface ProvisionOptions {
  /** As `checkPrefix` takes it. */
  readonly prefix: string;
  readonly rooms: readonly MirroredRoom[];
  readonly runtime: Pick<Runtime, 'nowMs' | 'hmacSha256' | 'utf8'>;
}

export interface Provisioned {
  readonly access: MirrorAccess;
  /** For whoever makes a MirrorAccess of it elsewhere. */
  readonly secret: Uint8Array;
  /** Definitions that were mirrored until now, and are no more. */
  readonly retired: readonly string[];
}

const PG_VERSION_MIN = 140_000;
/** Tables are altered under a lock that reads wait for: it is given up rather than waited for by all. */
const LOCK_TIMEOUT_MS = 5_000;

/**
 * Makes what is missing of schemas, tables, roles and row security, and brings what stands there to the definitions and to this build. One transaction; two at a time take turns. Rooms whose rows went with a table are marked to
 * be copied anew, those of definitions that are not mirrored any more to go.
 * @throws AlcoveError `option_invalid` for a database or names that cannot hold the mirror; what PostgreSQL fails with is thrown as it is.
 */
export async function provision(pool: Pool, options: ProvisionOptions): Promise<Provisioned> {
  const names = new MirrorNames(options.prefix);
  checkNames(names, options.rooms);
  return inTransaction(await pool.connect(), async (client) => {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    return new Provisioning(client, names, options).run();
  });
}

/** The steps, inside the one transaction. */
class Provisioning {
  readonly #client: PoolClient;
  readonly #names: MirrorNames;
  readonly #options: ProvisionOptions;
  #owner = '';
  /** There are no watermarks yet: rows that are there all the same are nobody's. */
  #isNew = false;

  constructor(client: PoolClient, names: MirrorNames, options: ProvisionOptions) {
    this.#client = client;
    this.#names = names;
    this.#options = options;
  }

  async run(): Promise<Provisioned> {
    const { prefix, rooms, runtime } = this.#options;
    await this.#client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${prefix} provision`]);
    await this.#checkDatabase();
    await this.#makeRole(this.#names.readerRole, 'LOGIN');
    await this.#makeRole(this.#names.analystRole, 'NOLOGIN');
    await this.#refuseForeignSchema(prefix, markOf(this.#names, 'watermarks'));
    const [{ table } = { table: null }] = await this.#rows<{ table: string | null }>('SELECT to_regclass($1) AS table', [
      this.#names.watermarks,
    ]);
    this.#isNew = table === null;
    for (const sql of controlDdl(this.#names)) await this.#client.query(sql);
    await this.#upgradeWatermarks();
    await writeFunctions(this.#client, controlFunctions(this.#names));
    for (const sql of controlRights(this.#names, this.#owner)) await this.#client.query(sql);
    const secret = await this.#secret();
    await this.#shapeReader(secret);
    await secureTable(this.#client, this.#names.watermarks, watermarkPolicies(this.#names, this.#owner));
    for (const room of rooms) await this.#definition(room);
    const mirrored = rooms.map(({ name }) => name);
    const retired = await new RetiredDefinitions(this.#names, mirrored).retire(this.#client);
    return { access: mirrorAccess(prefix, secret, runtime), secret, retired };
  }

  async #checkDatabase(): Promise<void> {
    const [row] = await this.#rows<{ version: string; encoding: string; owner: string; standby: boolean }>(
      `SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding,
        current_user AS owner, pg_is_in_recovery() AS standby`,
    );
    if (row === undefined) throw new AlcoveError('internal', 'PostgreSQL answered a SELECT without FROM with no row');
    if (row.standby) throw invalid('the database is a standby, which nothing can be written to: name the primary');
    if (Number(row.version) < PG_VERSION_MIN) throw invalid(`PostgreSQL is of version ${row.version}, and must be 14 or newer`);
    if (row.encoding !== 'UTF8') throw invalid(`the database has the encoding ${row.encoding}, and must have UTF8`);
    this.#owner = row.owner;
  }

  /** Roles are of the whole cluster: one of the name may be another database's mirror's, whose password would be overwritten. */
  async #makeRole(role: string, login: 'LOGIN' | 'NOLOGIN'): Promise<void> {
    const mark = `${markOf(this.#names, 'role')} in database `;
    const [found] = await this.#rows<{ comment: string | null; database: string; unsafe: boolean }>(
      `SELECT shobj_description(oid, 'pg_authid') AS comment, current_database() AS database,
        rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS unsafe FROM pg_roles WHERE rolname = $1`,
      [role],
    );
    if (found === undefined) {
      const [{ database } = { database: '' }] = await this.#rows<{ database: string }>('SELECT current_database() AS database');
      await this.#client.query(
        `CREATE ROLE ${quoteIdentifier(role)} ${login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS`,
      );
      await this.#client.query(`COMMENT ON ROLE ${quoteIdentifier(role)} IS ${quoteText(mark + database)}`);
      return;
    }
    if (found.comment !== mark + found.database)
      throw invalid(`there is a role ${role} that is not of a mirror in this database: choose another prefix`);
    if (found.unsafe) throw invalid(`the role ${role} may do more than read rooms (pg_roles): take that from it, or choose another prefix`);
  }

  async #refuseForeignSchema(schema: string, mark: string): Promise<void> {
    const [found] = await this.#rows<{ comment: string | null }>(
      "SELECT obj_description(oid, 'pg_namespace') AS comment FROM pg_namespace WHERE nspname = $1",
      [schema],
    );
    if (found !== undefined && found.comment !== mark)
      throw invalid(`there is a schema ${schema} that is not of this mirror: choose another prefix`);
  }

  async #upgradeWatermarks(): Promise<void> {
    const [found] = await this.#rows<{ columns: string[]; states: string | null }>(FOUND_WATERMARKS, [this.#names.watermarks]);
    for (const sql of watermarkUpgrades(this.#names, found ?? { columns: [], states: null })) await this.#client.query(sql);
  }

  async #secret(): Promise<Uint8Array> {
    const fresh = randomBytes(32);
    const { inner, outer } = hmacPads(fresh);
    await this.#client.query(
      `INSERT INTO ${this.#names.secret} (secret, inner_pad, outer_pad) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
      [fresh, inner, outer],
    );
    const [row] = await this.#rows<{ secret: Uint8Array }>(`SELECT secret FROM ${this.#names.secret}`);
    return new Uint8Array(row?.secret ?? fresh);
  }

  async #shapeReader(secret: Uint8Array): Promise<void> {
    const role = quoteIdentifier(this.#names.readerRole);
    const salt = createHmac('sha256', secret).update('salt of the reader role').digest().subarray(0, 16);
    const verifier = scramVerifier(readerPassword(secret, this.#options.runtime), salt);
    await this.#client.query(`ALTER ROLE ${role} PASSWORD ${quoteText(verifier)}`);
    await this.#client.query(`ALTER ROLE ${role} SET default_transaction_read_only = on`);
    await this.#client.query(`ALTER ROLE ${role} SET idle_in_transaction_session_timeout = '60s'`);
    const [may] = await this.#rows<{ may: boolean; database: string }>(
      "SELECT has_database_privilege($1, current_database(), 'CONNECT') AS may, current_database() AS database",
      [this.#names.readerRole],
    );
    if (may?.may === false) await this.#client.query(`GRANT CONNECT ON DATABASE ${quoteIdentifier(may.database)} TO ${role}`);
  }

  async #definition({ name, model }: MirroredRoom): Promise<void> {
    const schema = this.#names.schemaOf(name);
    const quoted = quoteIdentifier(schema);
    const mark = markOf(this.#names, `rooms ${name}`);
    await this.#refuseForeignSchema(schema, mark);
    await this.#client.query(`CREATE SCHEMA IF NOT EXISTS ${quoted}`);
    await this.#client.query(`COMMENT ON SCHEMA ${quoted} IS ${quoteText(mark)}`);
    await this.#client.query(`REVOKE ALL ON SCHEMA ${quoted} FROM PUBLIC`);
    const steps = tableSteps(this.#names, name, model, await this.#foundTables(schema));
    for (const sql of steps.sql) await this.#client.query(sql);
    for (const table of steps.dropped) await dropTable(this.#client, this.#names.tableOf(name, table));
    if (this.#isNew)
      for (const { name: table } of mirroredTables(model)) await this.#client.query(`TRUNCATE ${this.#names.tableOf(name, table)}`);
    if (steps.isEmptied)
      await this.#client.query(
        `UPDATE ${this.#names.watermarks} SET state = 'syncing', schema_id = '', position = NULL, deleted_at = NULL WHERE room = $1 AND state <> 'deleted'`,
        [name],
      );
    for (const { name: table } of mirroredTables(model))
      await secureTable(this.#client, this.#names.tableOf(name, table), tablePolicies(this.#names, this.#owner, name, table));
    await this.#grant(
      quoted,
      mirroredTables(model).map((table) => this.#names.tableOf(name, table.name)),
    );
  }

  async #grant(schema: string, tables: readonly string[]): Promise<void> {
    const roles = [this.#names.readerRole, this.#names.analystRole].map(quoteIdentifier).join(', ');
    await this.#client.query(`GRANT USAGE ON SCHEMA ${schema} TO ${roles}`);
    await this.#client.query(`REVOKE ALL ON ${tables.join(', ')} FROM PUBLIC`);
    await this.#client.query(`GRANT SELECT ON ${tables.join(', ')} TO ${roles}`);
  }

  async #foundTables(schema: string): Promise<FoundTable[]> {
    const columns = await this.#rows<{ table: string; column: string; type: string }>(
      `SELECT table_name AS table, column_name AS column, data_type AS type FROM information_schema.columns c
        WHERE table_schema = $1 AND EXISTS (SELECT FROM pg_tables t WHERE t.schemaname = c.table_schema AND t.tablename = c.table_name)
        ORDER BY table_name, ordinal_position`,
      [schema],
    );
    const keys = await this.#rows<{ table: string; column: string }>(
      `SELECT c.relname AS table, a.attname AS column FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE n.nspname = $1 AND i.indisprimary ORDER BY c.relname, k.place`,
      [schema],
    );
    return [...new Set(columns.map(({ table }) => table))].map((name) => ({
      name,
      columns: new Map(columns.filter(({ table }) => table === name).map(({ column, type }) => [column, type])),
      key: keys.filter(({ table }) => table === name).map(({ column }) => column),
    }));
  }

  async #rows<Found extends object>(text: string, values: readonly unknown[] = []): Promise<Found[]> {
    return (await this.#client.query<Found>(text, [...values])).rows;
  }
}

const invalid = (message: string): AlcoveError => new AlcoveError('option_invalid', `mirror.url: ${message}`);
