import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@playwright/test';

/** What a browser must have for Alcove; a page from loopback counts as secure. */
test('the browser has module workers, WebAssembly, IndexedDB and Web Locks', async ({ page }) => {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>x</title>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    // A server that listens on a port has an AddressInfo.
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/`);
    const found = await page.evaluate(async () => {
      const url = URL.createObjectURL(new Blob(['export {}; postMessage(typeof indexedDB)'], { type: 'text/javascript' }));
      const worker = new Worker(url, { type: 'module' });
      const fromWorker = await new Promise((resolve) => worker.addEventListener('message', (message) => resolve(message.data)));
      worker.terminate();
      const lock = await navigator.locks.request('probe', (held) => held?.name);
      return { fromWorker, lock, wasm: typeof WebAssembly.instantiateStreaming, secure: isSecureContext };
    });
    expect(found).toEqual({ fromWorker: 'object', lock: 'probe', wasm: 'function', secure: true });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});
