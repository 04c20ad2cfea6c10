import { createServer, defineRoom } from '@alcove/server/node';
import { expect } from '@playwright/test';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { DemoServer, StoppedDev, TemporaryFolder } from './demo-server.ts';
import { test } from './trip-test.ts';

/** What a page says whose server is not there, or is another one meanwhile. */
const NOBODY_THERE = /net::ERR_|WebSocket connection to .* failed|status of 503|\[vite\]/;

/** A trip as a version of long ago made it: nothing leads from there to the tables of today. */
async function makeOldTrip(dataDir: string): Promise<void> {
  const stops = sqliteTable('stops', { id: text().primaryKey(), nights: text().notNull() });
  const notes = sqliteTable('notes', {
    id: text().primaryKey(),
    stopId: text('stop_id').notNull(),
    body: text().notNull(),
    author: text().notNull(),
    writtenMs: integer('written_ms').notNull(),
  });
  const old = defineRoom({ name: 'trip', schema: { stops, notes }, mutators: {} });
  const server = await createServer({ rooms: [old], dataDir, signals: false, log: { error: () => {}, info: () => {}, debug: () => {} } });
  await server.rooms.create('trip', 'older');
  await server.close();
}

test('from its sources the demo runs on one port too, with hot reload, and a server that stopped leaves word', async ({ visit }) => {
  test.setTimeout(300_000); // the first start of a checkout has to bundle what the page depends on
  const [folder, old] = [new TemporaryFolder(), new TemporaryFolder()];
  const server = await DemoServer.start({ dataDir: folder.path, dev: true });
  try {
    const url = `${server.url}trip/dev`;
    const ada = await visit({ name: 'Ada' }, url);
    const bo = await visit({ name: 'Bo' }, url);
    await ada.addCity('osaka', 'Osaka');
    await expect(bo.stops).toHaveCount(9);
    // Vite's own socket, beside that of the rooms.
    const reloaded = ada.page.waitForEvent('console', (message) => message.text().includes('[vite] connected'));
    await ada.page.reload();
    await reloaded;
    await ada.isLoaded();
    await expect(ada.stops).toHaveCount(9);
    ada.hasNoComplaints();
    bo.hasNoComplaints();

    // Its room was changed in a way that the trips cannot follow.
    await server.stop();
    await makeOldTrip(old.path);
    const stopped = await StoppedDev.start({ dataDir: old.path, port: server.port });
    try {
      expect(stopped.said.split('column nights was of type TEXT'), 'it is said once').toHaveLength(2);
      await expect(ada.page.getByRole('region', { name: 'Connection' })).toContainText('column nights was of type TEXT');
      await bo.page.goto(url);
      await expect(bo.page.getByRole('heading', { name: 'The server is stopped' })).toBeVisible();
      await expect(bo.page.getByText('column nights was of type TEXT')).toBeVisible();
    } finally {
      await stopped.stop();
    }
    ada.hasNoComplaints(NOBODY_THERE);
  } finally {
    await server.stop();
    folder.remove();
    old.remove();
  }
});
