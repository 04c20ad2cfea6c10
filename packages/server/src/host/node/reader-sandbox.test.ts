import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { codeOf } from '../../../../../test/contract/code-of.ts';
import { NAUGHTY_TEXTS } from '../../../../../test/integration/naughty-texts.ts';
import { createLogTables } from '../../change-log/log-tables.ts';
import type { SeenTable } from '../../read/read-sight.ts';
import { openDatabase } from './open-database.ts';
import type { ReadJob } from './reader-job.ts';
import { ReaderSandbox } from './reader-sandbox.ts';

/** What was drawn at random, newest last. */
const drawn = vi.hoisted((): string[] => []);
vi.mock('node:crypto', async (load) => {
  const crypto = await load<typeof import('node:crypto')>();
  const randomBytes = (size: number): Buffer => {
    const bytes = crypto.randomBytes(size);
    drawn.push(bytes.toString('hex'));
    return bytes;
  };
  return { ...crypto, randomBytes };
});

const SETTINGS = { valueBytesMax: 1_000_000, heapBytesMax: 100_000_000 };

let directory: string;
let path: string;
let room: Database;
let sandbox: ReaderSandbox | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alcove-sandbox-'));
  path = join(directory, 'room.sqlite');
  room = openDatabase(path);
  createLogTables(room);
  room.exec("INSERT INTO alcove_meta (name, value) VALUES ('historyId', 'h1'), ('floor', 7)");
});
afterEach(() => {
  sandbox?.close();
  sandbox = undefined;
  room.close();
  rmSync(directory, { recursive: true, force: true });
});

const open = (...tables: SeenTable[]): void => {
  sandbox = new ReaderSandbox(path, { key: 'k', tables }, SETTINGS);
};
const jobOf = (sql: string, params: ReadJob['params'] = []): ReadJob => ({
  path,
  sql,
  params,
  sight: { key: 'k', tables: [] },
  atLeast: null,
  bounds: { timeoutMs: 1_000, rowsMax: 1_000, bytesMax: 1_000_000 },
});
const cells = (sql: string, params: ReadJob['params'] = []): unknown => JSON.parse(sandbox?.read(jobOf(sql, params))?.cells ?? 'null');
/** What it fails with; null: it does not. */
const messageOf = (sql: string): string | null => {
  try {
    cells(sql);
    return null;
  } catch (cause) {
    return AlcoveError.from(cause).message;
  }
};
const whole = (name: string, columns = '*'): SeenTable => ({ name, select: `SELECT ${columns} FROM main.${quoteIdentifier(name)}` });

describe('ReaderSandbox', () => {
  it('[RD-68] takes any name of tables and columns as a name and nothing else', () => {
    const names = [...new Set(NAUGHTY_TEXTS.filter((text) => text.length < 200).map((text) => `n ${text}`.replaceAll('\0', '')))].filter(
      (name) => !/\p{Surrogate}/u.test(name),
    );
    const odd = [
      'select',
      'from "x',
      "it's",
      '[a]',
      '`',
      'a;b',
      '--',
      '/*',
      'guard_0',
      'json_each',
      'pragma_table_info',
      'dbstat',
      'temp',
      'main',
    ];
    for (const [at, name] of [...names, ...odd].entries()) {
      room.exec(
        `CREATE TABLE ${quoteIdentifier(name)} (${quoteIdentifier(`${name} c`)}); INSERT INTO ${quoteIdentifier(name)} VALUES (${at})`,
      );
    }
    open(...[...names, ...odd].map((name) => whole(name)));
    for (const [at, name] of [...names, ...odd].entries()) {
      expect(cells(`SELECT ${quoteIdentifier(`${name} c`)} FROM ${quoteIdentifier(name)}`), name).toEqual([[at]]);
      expect(cells(`SELECT count(*) FROM ${quoteIdentifier(name)}`), name).toEqual([[1]]);
    }
    expect(cells('SELECT count(*) FROM json_tree(?)', ['[1]'])).toEqual([[2]]);
  });

  it('[RD-67] hides tables by whatever name they have, also that of a function', () => {
    room.exec("CREATE TABLE json_each (value); INSERT INTO json_each VALUES ('canary'); CREATE TABLE a (b)");
    open(whole('a'));
    for (const text of ['SELECT value FROM json_each', "SELECT value FROM json_each('[1]')", 'SELECT count(*) FROM json_each']) {
      expect(
        codeOf(() => cells(text)),
        text,
      ).toBe('sql_failed');
    }
  });

  it('[RD-68] trusts nothing that the file brings: a view, a computed column or a default that calls what is not for users', () => {
    room.exec("CREATE TABLE a (b, c GENERATED ALWAYS AS (upper(b)) VIRTUAL, d DEFAULT (random())); INSERT INTO a (b) VALUES ('x')");
    room.exec("CREATE VIEW v AS SELECT load_extension('x') AS e");
    room.exec('CREATE VIEW w AS SELECT value AS e FROM alcove_meta');
    open(whole('a', 'b, c'), whole('v'));
    expect(cells('SELECT c FROM a')).toEqual([['X']]);
    expect(codeOf(() => cells('SELECT e FROM v'))).toMatch(/^sql_/);
    expect(codeOf(() => cells('SELECT e FROM w'))).toBe('sql_failed');
  });

  it('[RD-69] a rule’s own SQL is not for its readers to see, nor are the names that stand in front of tables', () => {
    room.exec("CREATE TABLE a (b); INSERT INTO a VALUES ('x')");
    open({ name: 'a', select: "SELECT b FROM main.a WHERE printf('%s', 'rule-canary') <> '' LIMIT -1" });
    expect(cells('SELECT b FROM a')).toEqual([['x']]);
    for (const text of [
      'SELECT nope FROM a',
      'SELECT b FROM a WHERE json(b)',
      'SELECT b FROM a, a',
      'SELECT * FROM a AS x JOIN a USING (c)',
    ]) {
      const error = messageOf(text);
      expect(error, text).not.toBe(null);
      expect(String(error).replaceAll(text, '')).not.toMatch(/rule-canary|guard_|none_|main\./);
    }
  });

  it('[RD-69] who knows the names that stand in front of tables is not heard, however they are spelt', () => {
    room.exec("CREATE TABLE a (b); INSERT INTO a VALUES ('x')");
    open(whole('a'));
    const guard = `guard_0_${drawn.at(-1)}`;
    const missing = messageOf('SELECT b FROM nowhere');
    for (const name of [guard, guard.toUpperCase(), `none_${drawn.at(-1)}`]) expect(messageOf(`SELECT b FROM ${name}`), name).toBe(missing);
    expect(cells('SELECT b FROM a')).toEqual([['x']]);
  });

  it('[RD-63] stands at the floor where the log is empty, then at its head', () => {
    room.exec('CREATE TABLE a (b)');
    open(whole('a'));
    expect(sandbox?.read(jobOf('SELECT 1'))?.at).toEqual({ historyId: 'h1', version: 7 });
    room.exec("INSERT INTO alcove_log VALUES (8, 's', 0, 1, 1, 'h', '[]', '')");
    expect(sandbox?.read(jobOf('SELECT 1'))?.at).toEqual({ historyId: 'h1', version: 8 });
  });

  it('[RD-64] counts the names of columns, which may be as long as the text and as many as SQLite takes', () => {
    open();
    const job = (bytesMax: number): ReadJob => {
      const names = jobOf(`SELECT * FROM (SELECT 1 AS "${'x'.repeat(500)}") a, (SELECT 1 AS "${'y'.repeat(500)}") b`);
      return { ...names, bounds: { ...names.bounds, bytesMax } };
    };
    expect(sandbox?.read(job(1_100))?.rows).toBe(1);
    expect(codeOf(() => sandbox?.read(job(1_000)))).toBe('result_too_large');
  });

  it('[RD-73] is of no more use once the schema has changed', () => {
    room.exec('CREATE TABLE a (b)');
    open(whole('a'));
    expect(cells('SELECT b FROM a')).toEqual([[]]);
    room.exec('CREATE TABLE c (d)');
    expect(sandbox?.read(jobOf('SELECT d FROM c'))).toBe(null);
  });

  it('[RD-71] a file that is none, or no room’s, is the replica’s failure', () => {
    room.exec('CREATE TABLE a (b)');
    for (const file of ['none.sqlite', '.']) {
      expect(codeOf(() => new ReaderSandbox(join(directory, file), { key: 'k', tables: [] }, SETTINGS))).toBe('replica_unavailable');
    }
    const foreign = join(directory, 'foreign.sqlite');
    openDatabase(foreign).close();
    expect(codeOf(() => new ReaderSandbox(foreign, { key: 'k', tables: [] }, SETTINGS))).toBe('replica_unavailable');
    expect(readdirSync(directory)).not.toContain('none.sqlite');
  });

  it('[RD-68] a rule that SQLite does not take as a view is told as the rule’s failure', () => {
    room.exec('CREATE TABLE a (b)');
    const deep = `SELECT b FROM main.a WHERE ${'1+'.repeat(200)}b`;
    expect(codeOf(() => open({ name: 'a', select: deep }))).toBe('rule_failed');
    expect(codeOf(() => open({ name: 'a', select: 'SELECT b FROM main.a WHERE (' }))).toBe('rule_failed');
  });

  it('[AC-25] a rule that fails over a row is told as that, without what SQLite says of the row; the reader’s own failures are told', () => {
    room.exec("CREATE TABLE a (b, path); INSERT INTO a VALUES ('{}', 'canary'); CREATE TABLE c (d); INSERT INTO c VALUES ('{')");
    const failing = 'SELECT b FROM main.a WHERE (json_extract(b, path) = 1) IS TRUE LIMIT -1';
    const hiding = "SELECT CASE WHEN (b LIKE printf('%060d', 1)) IS FALSE THEN b END AS b FROM main.a";
    for (const select of [failing, hiding]) {
      open({ name: 'a', select }, whole('c', 'd'));
      for (const sql of ['SELECT b FROM a', 'SELECT json(d), b FROM c, "A"']) {
        expect(() => cells(sql)).toThrow(expect.objectContaining({ code: 'rule_failed', message: expect.not.stringContaining('canary') }));
      }
      expect(() => cells('SELECT json(d) FROM c')).toThrow(
        expect.objectContaining({ code: 'sql_failed', message: expect.stringContaining('JSON') }),
      );
      expect(cells('SELECT d FROM c')).toEqual([['{']]);
      sandbox?.close();
    }
  });
});
