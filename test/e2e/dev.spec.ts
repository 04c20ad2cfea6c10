import { expect } from '@playwright/test';
import { DemoServer, TemporaryFolder } from './demo-server.ts';
import { test } from './trip-test.ts';

test('from its sources the demo runs on one port too, with hot reload', async ({ visit }) => {
  test.setTimeout(300_000); // the first start of a checkout has to bundle what the page depends on
  const folder = new TemporaryFolder();
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
  } finally {
    await server.stop();
    folder.remove();
  }
});
