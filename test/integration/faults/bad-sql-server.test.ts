import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@alcove/core/runtime/logger';
import { type AlcoveServer, createServer } from '@alcove/server/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BAD_SQL, ENDLESS_SQL, GREEDY_SQL } from '../../contract/bad-sql.ts';
import { readRoom } from '../../contract/read-room.ts';
import { type Message, PlainClient } from '../plain-client.ts';
import { readerPids, residentBytes, tellsProcesses } from './process-tree.ts';

const MB = 1_000_000;
const READ_HEAP_BYTES_MAX = 60 * MB;
/** What a statement takes between two looks of its watch, and what a process had not freed. */
const SLACK_BYTES = 60 * MB;
const SERVER_BYTES_MAX = 150 * MB;
const TIMEOUT_MS = 60_000;
const CANARIES = ['column-canary', 'row-canary', 'table-canary', 'room-canary'];

describe('a server that is sent bad SQL over a socket', () => {
  let directory: string;
  let server: AlcoveServer<readonly [typeof readRoom]>;
  let ada: PlainClient;
  let request = 0;
  const enter = (): Promise<PlainClient> => PlainClient.join(server.url, 'main', { room: 'read', token: 'ada' });
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'alcove-bad-sql-'));
    server = await createServer({
      rooms: [readRoom],
      dataDir: directory,
      port: 0,
      signals: false,
      readers: 2,
      log: silentLogger,
      authenticate: (token) => (token === null ? null : { sub: token }),
      limits: { readHeapBytesMax: READ_HEAP_BYTES_MAX, readTimeoutMs: 20_000 },
    });
    const room = server.room(readRoom, 'main');
    await room.mutate.putStops({ prefix: 's', count: 6 });
    await room.mutate.putNote({ id: 'a', owner: 'ada', body: 'hers', secret: 'column-canary' });
    await room.mutate.putNote({ id: 'b', owner: 'bo', body: 'row-canary', secret: null });
    await room.mutate.putAudit({ line: 'table-canary' });
    await server.room(readRoom, 'other').mutate.putNote({ id: 'o', owner: 'ada', body: 'room-canary', secret: null });
    ada = await enter();
  });
  afterAll(async () => {
    ada.cut();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const ask = async (sql: string): Promise<Message> => {
    request += 1;
    const own = request;
    ada.say({ type: 'read', request: own, sql });
    const find = (): Message | undefined =>
      ada.messages.find((message) => message['request'] === own && (message.type === 'readRows' || message.type === 'readFailed'));
    await ada.until(() => find() !== undefined || ada.closed !== null, `the answer of ${sql.slice(0, 200)}`, TIMEOUT_MS);
    if (ada.closed === null) return find() as Message; // it is there by now
    // What is too long for a message, or no text, ends the session of who sent it.
    const refusal = ada.messages.at(-1) ?? { type: 'nothing' };
    ada = await enter();
    return refusal;
  };
  /** Everything works as before: what is read, and what is written. */
  const isUnharmed = async (): Promise<void> => {
    await server.room(readRoom, 'main').mutate.putNote({ id: `n${request}`, owner: 'bo', body: 'more', secret: null });
    expect(await ask('SELECT count(*) FROM stops')).toMatchObject({ type: 'readRows', cells: [[6]] });
    expect(await ask('SELECT id, secret FROM notes')).toMatchObject({ type: 'readRows', cells: [['a'], [null]] });
  };
  const isQuiet = (message: Message, sql: string): void => {
    const told = JSON.stringify(message);
    for (const canary of CANARIES) if (told.includes(canary)) expect.fail(`${canary} is told: ${told}\nof ${sql}`);
  };

  it.each(BAD_SQL)('[RD-68] refuses it with a code: $after', async ({ code, texts }) => {
    await isUnharmed();
    const before = readerPids(process.pid);
    for (const template of texts) {
      const sql = template.replaceAll('OTHER', join(directory, 'rooms', 'read', 'other.sqlite'));
      const answer = await ask(sql);
      isQuiet(answer, sql);
      if (answer.type === 'error') expect(answer.code).toBe('bad_message');
      else expect(`${answer.code} of ${sql.slice(0, 200)}`).toBe(`${code} of ${sql.slice(0, 200)}`);
    }
    await isUnharmed();
    if (tellsProcesses) expect(readerPids(process.pid)).toEqual(before);
  });

  it.skipIf(!tellsProcesses)(
    '[RD-65][RD-70] keeps its own memory and its readers’ within bounds, whatever is asked, and ends it in time',
    async () => {
      await isUnharmed();
      const base = residentBytes(process.pid);
      let [own, reader] = [0, 0];
      const looks = setInterval(() => {
        own = Math.max(own, residentBytes(process.pid));
        reader = Math.max(reader, ...readerPids(process.pid).map(residentBytes));
      }, 20);
      const first = Math.max(...readerPids(process.pid).map(residentBytes));
      for (const sql of [GREEDY_SQL[0] ?? '', GREEDY_SQL[1] ?? '']) expect((await ask(sql)).code, sql).toBe('result_too_large');
      for (const { code, texts } of BAD_SQL.filter(({ after }) => after === 'long values'))
        for (const sql of texts) expect((await ask(sql)).code, sql).toBe(code);
      await isUnharmed();
      clearInterval(looks);
      expect(reader).toBeLessThan(first + READ_HEAP_BYTES_MAX + SLACK_BYTES);
      expect(own).toBeLessThan(base + SERVER_BYTES_MAX);
    },
    TIMEOUT_MS,
  );
});

describe('a server that is sent SQL that does not end', () => {
  it('[RD-65] ends it in time and answers others meanwhile', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'alcove-endless-'));
    const server = await createServer({
      rooms: [readRoom],
      dataDir: directory,
      port: 0,
      signals: false,
      readers: 2,
      log: silentLogger,
      authenticate: (token) => (token === null ? null : { sub: token }),
      limits: { readTimeoutMs: 1_500 },
    });
    const [ada, bo] = await Promise.all(['ada', 'bo'].map((token) => PlainClient.join(server.url, 'main', { room: 'read', token })));
    try {
      await server.room(readRoom, 'main').mutate.putStops({ prefix: 's', count: 6 });
      const answers = (client: PlainClient | undefined): readonly Message[] =>
        client?.messages.filter(({ type }) => type === 'readRows' || type === 'readFailed') ?? [];
      for (const [at, sql] of ENDLESS_SQL.entries()) {
        ada?.say({ type: 'read', request: at + 1, sql });
        bo?.say({ type: 'read', request: at + 1, sql: 'SELECT count(*) FROM stops' });
        await bo?.until(() => answers(bo).length === at + 1, 'an answer beside it', TIMEOUT_MS);
        await ada?.until(() => answers(ada).length === at + 1, 'the end of it', TIMEOUT_MS);
      }
      expect(answers(ada).map(({ code }) => code)).toEqual(ENDLESS_SQL.map(() => 'query_timeout'));
      expect(answers(bo).map((message) => message['cells'])).toEqual(ENDLESS_SQL.map(() => [[6]]));
    } finally {
      ada?.cut();
      bo?.cut();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
