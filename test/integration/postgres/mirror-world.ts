import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type ServerOptions } from '@alcove/server/node';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';
import { expect, vi } from 'vitest';
import { CollectingLogger } from '../../fake/collecting-logger.ts';
import { ledger } from './ledger-room.ts';
import type { PgNode } from './pg-node.ts';

type LedgerOptions = Partial<ServerOptions<readonly [typeof ledger]>>;
export type LedgerServer = Awaited<ReturnType<MirrorWorld['server']>>;

const TABLES: Readonly<Record<string, readonly string[]>> = {
  items: ['id', 'n', 'r', 'raw', 'any', 'label', 'doubled', 'shout'],
  'Pairs "x"': ['a', 'b', 'note'],
  bare: ['key'],
  alcove_values: ['name', 'key', 'value', 'seq'],
};
const NUMBERS = new Set(['n', 'r', 'doubled', 'b', 'seq']);

/** Servers with a mirror in one database, each test under a prefix of its own. */
export class MirrorWorld {
  readonly log = new CollectingLogger();
  readonly dataDir = mkdtempSync(join(tmpdir(), 'alcove-mirror-'));
  readonly prefix: string;
  readonly #node: PgNode;
  readonly #servers: { close(): Promise<void> }[] = [];

  constructor(node: PgNode, prefix: string) {
    this.#node = node;
    this.prefix = prefix;
  }

  async server({ mirror, ...options }: LedgerOptions = {}) {
    return this.also(
      createServer({
        rooms: [ledger],
        dataDir: this.dataDir,
        signals: false,
        log: this.log,
        mirror: { url: this.#node.url, prefix: this.prefix, batchMs: 10, checkIntervalMs: 0, ...mirror },
        ...options,
      }),
    );
  }

  /** Is closed with the world. */
  async also<Closed extends { close(): Promise<void> }>(opened: Promise<Closed>): Promise<Closed> {
    const closed = await opened;
    this.#servers.push(closed);
    return closed;
  }

  /** Rows of the control schema. */
  watermark(id: string): Promise<{ state: string; version: string; history_id: string; position: unknown } | undefined> {
    return this.#node
      .query<{ state: string; version: string; history_id: string; position: unknown }>(
        `SELECT state, version, history_id, position FROM ${this.prefix}.watermarks WHERE room = 'ledger' AND id = $1`,
        [id],
      )
      .then(([row]) => row);
  }

  /** Resolves when the mirror has all that the room has. */
  async level(server: LedgerServer, id: string): Promise<void> {
    const { version, historyId } = await server.rooms.open('ledger', id);
    await this.reached(id, version, historyId);
  }

  async reached(id: string, version: number, historyId?: string): Promise<void> {
    await vi.waitFor(
      async () => {
        const mark = await this.watermark(id);
        if (mark?.state !== 'live' || Number(mark.version) < version || (historyId !== undefined && mark.history_id !== historyId))
          throw new Error(
            `the mirror of ${id} is at ${JSON.stringify(mark)}, not at ${version}: ${JSON.stringify(this.log.entries.slice(-3))}`,
          );
      },
      { timeout: 20_000, interval: 15 },
    );
  }

  /** What the room's file holds, and what PostgreSQL does, in the same form. */
  async both(id: string): Promise<{ readonly room: unknown; readonly mirror: unknown }> {
    return { room: this.inFile(id), mirror: await this.inMirror(id) };
  }

  /** Fails where the mirror holds something else than the room. */
  async isSame(id: string): Promise<void> {
    const { room, mirror } = await this.both(id);
    expect(mirror).toEqual(room);
  }

  /** A file of the room's. */
  file(id: string, ending = '.sqlite'): string {
    return join(this.dataDir, 'rooms', 'ledger', `${id}${ending}`);
  }

  inFile(id: string): Record<string, unknown[]> {
    const database = openDatabase(this.file(id), { readonly: true });
    try {
      return Object.fromEntries(
        Object.entries(TABLES).map(([table, columns]) => {
          const rows = database
            .prepare(`SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM "${table.replaceAll('"', '""')}"`)
            .all();
          return [table, shown(rows.map((row) => row.map((cell) => (cell instanceof Uint8Array ? hex(cell) : cell))))];
        }),
      );
    } finally {
      database.close();
    }
  }

  async inMirror(id: string): Promise<Record<string, unknown[]>> {
    const tables: [string, unknown[]][] = [];
    for (const [table, columns] of Object.entries(TABLES)) {
      const rows = await this.#node.query<Record<string, unknown>>(
        `SELECT * FROM "${this.prefix}_ledger"."${table.replaceAll('"', '""')}" WHERE room_id = $1`,
        [id],
      );
      tables.push([table, shown(rows.map((row) => columns.map((name) => fromPg(table, name, row[name]))))]);
    }
    return Object.fromEntries(tables);
  }

  async end(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

const hex = (bytes: Uint8Array): string => `x${Buffer.from(bytes).toString('hex')}`;

const fromPg = (table: string, name: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) return hex(value);
  if (value === null || (!NUMBERS.has(name) && name !== 'any')) return value;
  if (name === 'any' && typeof value === 'string' && !/^-?\d+(\.\d+)?(e[-+]?\d+)?$/.test(value)) return value;
  return table === 'bare' ? value : Number(value);
};

const shown = (rows: unknown[][]): unknown[] =>
  rows
    .map((row) =>
      JSON.stringify(row.map((cell) => (cell === Infinity ? 'inf' : cell === -Infinity ? '-inf' : Object.is(cell, -0) ? 0 : cell))),
    )
    .sort();
