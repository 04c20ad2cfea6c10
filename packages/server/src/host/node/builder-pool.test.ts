import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { ColumnModel, RoomModel, TableModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogTables } from '../../change-log/log-tables.ts';
import { SEES_ALL } from '../../access/reader-class.ts';
import { imagePlan } from '../../snapshot/image-plan.ts';
import { BuilderPool } from './builder-pool.ts';
import type { ImageJob } from './builder-job.ts';
import { createNodeRuntime } from './node-runtime.ts';
import { openDatabase } from './open-database.ts';
import { silentLogger } from '@alcove/core/runtime/logger';

const column = (name: string, type: string, more: Partial<ColumnModel> = {}): ColumnModel => ({
  name,
  type,
  notNull: false,
  defaultSql: null,
  generated: null,
  ...more,
});
const table = (name: string, columns: ColumnModel[], more: Partial<TableModel> = {}): TableModel => ({
  name,
  columns,
  key: ['id'],
  withoutRowid: false,
  serverOnly: false,
  uniques: [],
  checks: [],
  foreignKeys: [],
  indexes: [],
  ...more,
});
const model: RoomModel = {
  schemaId: 's1',
  tables: [
    table(
      'the "stops"',
      [
        column('id', 'text', { notNull: true }),
        column('place', 'text', { notNull: true }),
        column('bytes', 'blob'),
        column('real', 'real'),
        column('long', 'text', { generated: { sql: "place || '!'", stored: true } }),
      ],
      {
        foreignKeys: [
          { columns: ['place'], foreignTable: 'notes', foreignColumns: ['id'], onDelete: null, onUpdate: null },
          { columns: ['id'], foreignTable: 'secrets', foreignColumns: ['id'], onDelete: null, onUpdate: null },
        ],
        indexes: [{ name: 'stops_place', unique: true, columns: ['"place"'], where: '"place" IS NOT NULL' }],
      },
    ),
    table('notes', [column('id', 'text', { notNull: true }), column('n', 'integer')], { withoutRowid: true }),
    table('secrets', [column('id', 'text', { notNull: true })], { serverOnly: true }),
  ],
};

let directory: string;
let roomPath: string;
let room: Database;
let builder: BuilderPool;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "alcove-image'-"));
  roomPath = join(directory, 'room.sqlite');
  room = openDatabase(roomPath);
  room.exec(roomDdl(model, { serverOnly: true }).join(';'));
  createLogTables(room);
  const meta = room.prepare('INSERT INTO alcove_meta (name, value) VALUES (?, ?)');
  for (const [name, value] of Object.entries({ historyId: 'h1', floor: 3, floorHash: 'f3' })) meta.run([name, value]);
  room.prepare("INSERT INTO alcove_schemas VALUES (1, 's1', '{}', 0, 0)").run();
  builder = new BuilderPool({ runtime: createNodeRuntime({ log: silentLogger }), buildsMax: 1, buildTimeoutMs: 15_000, idleMs: 5_000 });
});
afterEach(() => {
  builder.close();
  room.close();
  rmSync(directory, { recursive: true, force: true });
});

const job = (more: Partial<ImageJob> = {}): ImageJob => ({
  kind: 'image',
  roomPath,
  imagePath: join(directory, 'image.sqlite'),
  packedPath: join(directory, 'image.gz'),
  historyId: 'h1',
  schema: 's1',
  plan: imagePlan(model, SEES_ALL),
  ...more,
});
const fill = (): void => {
  room.setForeignKeys(false);
  room
    .prepare('INSERT INTO "the ""stops""" (id, place, bytes, real) VALUES (?, ?, ?, ?)')
    .run(['a', 'Kyoto', new Uint8Array([0, 255]), 0.1]);
  room.prepare('INSERT INTO notes VALUES (?, ?)').run(['n', Number.MAX_SAFE_INTEGER]);
  room.prepare('INSERT INTO notes VALUES (?, ?)').run(['gone-canary', 1]);
  room.exec("DELETE FROM notes WHERE id = 'gone-canary'");
  room.prepare('INSERT INTO secrets VALUES (?)').run(['secret-canary']);
};

describe('BuilderPool', () => {
  it('[AC-25] a rule that fails over a row fails the build, in words that quote no row; the process builds on', async () => {
    room.prepare('INSERT INTO notes VALUES (?, ?)').run(['canary', 1]);
    const when = { sql: "json_extract('{}', id) IS NULL", params: [] };
    for (const filter of [
      { table: 'notes', visible: when, hidden: [] },
      { table: 'notes', visible: true, hidden: [{ column: 'n', when }] },
    ]) {
      const plan = imagePlan(model, { id: 'x', filters: new Map([['notes', filter]]) });
      const failure = await builder.run(job({ plan })).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'rule_failed',
        message: expect.stringMatching(/^(visibleTo|hiddenFrom\.n) of table notes fails over a row/),
      });
      expect(String(failure)).not.toContain('canary');
    }
    expect(await builder.run(job())).toMatchObject({ rows: 1 });
  });

  it('[HO-20] an image holds the replicated rows, values and indexes of one version and nothing else', async () => {
    fill();
    room.exec("INSERT INTO alcove_log VALUES (4, 's1', 0, 1, 1, 'f4', '[]', '')");
    const result = await builder.run(job());
    const bytes = gunzipSync(readFileSync(join(directory, 'image.gz')));
    expect(result).toEqual({
      version: 4,
      hash: 'f4',
      rows: 2,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      packedBytes: readFileSync(join(directory, 'image.gz')).length,
    });
    expect(bytes.includes('canary')).toBe(false);
    for (const own of ['alcove_meta', 'alcove_log', 'alcove_clients', 'alcove_schemas']) expect(bytes.includes(own)).toBe(false);
    expect(readdirSync(directory).filter((name) => name.startsWith('image'))).toEqual(['image.gz']);

    writeFileSync(join(directory, 'opened.sqlite'), bytes);
    const image = openDatabase(join(directory, 'opened.sqlite'));
    expect(image.prepare('SELECT * FROM "the ""stops"""').all()).toEqual([['a', 'Kyoto', new Uint8Array([0, 255]), 0.1, 'Kyoto!']]);
    expect(image.prepare('SELECT * FROM notes').all()).toEqual([['n', Number.MAX_SAFE_INTEGER]]);
    const all = image.prepare('SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').all();
    const made = all.filter(([, name]) => !String(name).startsWith('alcove_c'));
    expect(made.map(([type, name]) => [type, name])).toEqual([
      ['table', 'notes'],
      ['index', 'stops_place'],
      ['table', 'the "stops"'],
    ]);
    expect(String(made.at(-1)?.[2])).not.toContain('secrets');
    image.close();
  });

  it('[HO-20] an image has capture ready and switched off, as a tab would make it', async () => {
    await builder.run(job());
    writeFileSync(join(directory, 'opened.sqlite'), gunzipSync(readFileSync(join(directory, 'image.gz'))));
    const image = openDatabase(join(directory, 'opened.sqlite'));
    const madeAt = image.prepare('PRAGMA schema_version').get();
    installCapture(image, model);
    expect(image.prepare('PRAGMA schema_version').get()).toEqual(madeAt);
    const capture = new Capture(image, model);
    image.prepare('INSERT INTO notes VALUES (?, ?)').run(['unseen', 1]);
    expect(capture.take().tables).toEqual([]);
    capture.start();
    image.prepare('INSERT INTO notes VALUES (?, ?)').run(['seen', 1]);
    expect(capture.take().tables).toMatchObject([{ table: 'notes', rows: [{ before: null, after: ['seen', 1] }] }]);
    image.close();
  });

  it('[HO-20] an empty log stands at its floor; an empty room gives an image too', async () => {
    expect(await builder.run(job())).toMatchObject({ version: 3, hash: 'f3', rows: 0 });
  });

  it('[HO-20] never holds up the room’s writer, and reads one version while it writes', async () => {
    fill();
    let building = true;
    const built = builder.run(job()).finally(() => {
      building = false;
    });
    let version = 3;
    const note = room.prepare('INSERT INTO notes VALUES (?, ?)');
    const log = room.prepare('INSERT INTO alcove_log VALUES (?, ?, 0, 1, 1, ?, ?, ?)');
    while (building) {
      version += 1;
      const at = version;
      room.transaction(() => {
        note.run([`v${at}`, at]);
        log.run([at, 's1', `f${at}`, '[]', '']);
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    const result = await built;
    expect(result.hash).toBe(`f${result.version}`);
    expect(result.rows).toBe(2 + (result.version - 3));
  });

  it('[HO-21] another history or schema, a missing or a foreign file fail with a code and leave nothing', async () => {
    fill();
    for (const wrong of [
      { historyId: 'h2' },
      { schema: 's2' },
      { roomPath: join(directory, 'none.sqlite') },
      { roomPath: join(directory, 'foreign') },
    ]) {
      writeFileSync(join(directory, 'foreign'), 'no database, but long enough to look like one'.repeat(100));
      await expect(builder.run(job(wrong))).rejects.toMatchObject({ code: 'snapshot_failed' });
    }
    expect(existsSync(join(directory, 'none.sqlite'))).toBe(false);
    expect(readdirSync(directory).filter((name) => name.startsWith('image'))).toEqual([]);
  });

  it('[HO-21] a job past its time is ended with its process; the next one gets another', async () => {
    builder.close();
    builder = new BuilderPool({ runtime: createNodeRuntime({ log: silentLogger }), buildsMax: 1, buildTimeoutMs: 1_500, idleMs: 5_000 });
    const endless = {
      ...imagePlan(model, SEES_ALL),
      headSql: 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n',
    };
    const first = builder.run(job({ plan: endless }));
    const second = builder.run(job({ imagePath: join(directory, 'image2.sqlite'), packedPath: join(directory, 'image2.gz') }));
    await expect(first).rejects.toMatchObject({ code: 'snapshot_failed', message: expect.stringContaining('1500 ms') });
    await expect(second).resolves.toMatchObject({ version: 3 });
  });

  it('close ends what runs and what waits', async () => {
    const jobs = [builder.run(job()), builder.run(job())];
    builder.close();
    for (const result of await Promise.allSettled(jobs)) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'closed' } });
    await expect(builder.run(job())).rejects.toMatchObject({ code: 'closed' });
  });
});
