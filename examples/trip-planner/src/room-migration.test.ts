import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Logger } from '@alcove/server/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tripBeforeKeys } from '../../../test/fake/trip-before-keys.ts';
import { beforeKeys, notes, trip } from '../room.ts';

const silent: Logger = { error: () => undefined, info: () => undefined, debug: () => undefined };

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'trip-before-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

it('a trip from before keys and private notes keeps its notes, as everybody’s, and is known as one', async () => {
  const options = { dataDir, signals: false, log: silent } as const;
  const before = await createServer({ ...options, rooms: [tripBeforeKeys] });
  await before.room(tripBeforeKeys, 'japan').mutate.fill({ note: 'Tea at four' });
  await before.close();

  const server = await createServer({ ...options, rooms: [trip] });
  const japan = server.room(trip, 'japan');
  expect(await japan.query((db) => db.select().from(notes))).toEqual([
    { id: 'n', stopId: 's', body: 'Tea at four', author: 'Ada', writtenMs: 7, owner: null, isPrivate: false },
  ]);
  expect(await japan.query((db) => db.select().from(beforeKeys))).toEqual([{ id: 1 }]);
  await japan.mutate.removeStop({ id: 's' });
  expect(await japan.query((db) => db.select().from(notes))).toEqual([]);
  expect(await server.room(trip, 'peru').query((db) => db.select().from(beforeKeys))).toEqual([]);
  await server.close();
});
