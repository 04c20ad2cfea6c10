import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readImageHeaders } from '@alcove/core/protocol/image-headers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { HostFixture } from './host-fixture.ts';
import type { PlainClient } from './plain-client.ts';
import { stops, trip } from './trip-room.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

/** A SQLite file that somebody brought, with a table of the room's in a shape of its own. */
const seedFile = (count: number, sql = 'CREATE TABLE stops (city, id, position)'): string => {
  const path = join(host.dataDir, 'seed.sqlite');
  const database = openDatabase(path);
  database.exec(sql);
  const insert = database.prepare('INSERT INTO stops (id, city, position) VALUES (?, ?, ?)');
  database.transaction(() => {
    for (let at = 0; at < count; at += 1) insert.run([`s${at}`, `city ${at}`, at]);
  });
  database.close();
  return path;
};
const image = async (client: PlainClient, url: string) => {
  const { image: offer } = await client.heard('welcome');
  if (offer == null) throw new Error('no image was offered');
  const answer = await fetch(new URL(offer.path, url.replace(/^ws/, 'http')), { headers: { authorization: `Bearer ${offer.ticket}` } });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const facts = readImageHeaders((name) => answer.headers.get(name));
  expect(facts.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  return facts;
};

describe('a seed file', () => {
  it('[HO-17][HO-18] is in every new room, which begins at version 0 with a history of its own', async () => {
    const server = await host.server({ seed: seedFile(5000) });
    const clients = await Promise.all(['a', 'b', 'a', 'b'].map((id) => host.join(server.url, id, { snapshots: ['image', 'rows'] })));
    const facts = await Promise.all(clients.map((client) => image(client, server.url)));
    expect(facts.map(({ version, rows }) => [version, rows])).toEqual(clients.map(() => [0, 5000]));
    expect(new Set(facts.map(({ historyId }) => historyId)).size).toBe(2);
    await server.room(trip, 'a').mutate.removeStop({ id: 's0' });
    expect(await server.room(trip, 'a').query((db) => db.select().from(stops))).toHaveLength(4999);
    expect(await server.room(trip, 'c').query((db) => db.select().from(stops))).toHaveLength(5000);
  });

  it('[HO-17] that does not fit stops the start, which leaves nothing locked', async () => {
    writeFileSync(join(host.dataDir, 'text'), 'no database '.repeat(1000));
    await expect(host.server({ seed: join(host.dataDir, 'text') })).rejects.toMatchObject({ code: 'file_damaged' });
    await expect(host.server({ seed: join(host.dataDir, 'none') })).rejects.toMatchObject({ code: 'option_invalid' });
    await expect(host.server({ seed: seedFile(1, 'CREATE TABLE stops (city, id, position, area)') })).rejects.toMatchObject({
      code: 'schema_mismatch',
      message: expect.stringContaining('area'),
    });
    await host.server();
  });
});

describe('without better-sqlite3', () => {
  it('[HO-20] everything works on @photostructure/sqlite, and the server says what it uses', async () => {
    const dataDir = join(host.dataDir, 'other');
    mkdirSync(dataDir);
    const server = await host.childServer({ dataDir, env: { ...process.env, ALCOVE_DRIVER: 'photostructure' } });
    const writer = await host.join(server.url, 'japan');
    await writer.result(writer.push('addMany', { prefix: 'a long prefix to fill the file with, and some more of it ', count: 2000 }));
    await writer.result(writer.push('removeStop', { id: 'none' }));
    const reader = await host.join(server.url, 'japan', { snapshots: ['image', 'rows'] });
    expect(await image(reader, server.url)).toMatchObject({ version: 2, rows: 2000 });
    expect(server.errors()).toMatch(/better-sqlite3 is not used driver="photostructure"/);
  });
});
