import { createServer } from 'node:http';

/** How often an open page looks whether the server is back. */
const LOOK_MS = 1_000;

/**
 * Stands where the demo's server stood, while that one is stopped by something its author has to mend: says what it said, to whoever loads a page, and under
 * /stopped to pages that are open already.
 */
export class DevFront {
  /** @type {import('node:http').Server | null} */
  #server = null;

  /**
   * @param {{ host: string, port: number }} at
   * @param {string} said the last words of the server
   * @returns {Promise<boolean>} false where the port is another program's
   */
  open({ host, port }, said) {
    const server = createServer((request, response) => {
      if (request.url === '/stopped') send(response, 200, 'application/json', JSON.stringify({ said }));
      else send(response, 503, 'text/html; charset=utf-8', stoppedPage(said));
    });
    this.#server = server;
    return new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, host, () => resolve(true));
    });
  }

  /** Leaves the port to the server that starts next. */
  async close() {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {string} type
 * @param {string} body
 */
function send(response, status, type, body) {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', connection: 'close' }).end(body);
}

/** @param {string} said */
function stoppedPage(said) {
  const words = said.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>The server is stopped</title>
<style>
  :root { --paper: #eff2ed; --ink: #14232b; --soft: #4a5c65 }
  @media (prefers-color-scheme: dark) { :root { --paper: #10181d; --ink: #eee5d0; --soft: #aaa893 } }
  body { margin: 0; padding: clamp(1.5rem, 8vw, 6rem); background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 "Gill Sans", Optima, sans-serif }
  main { max-width: 46rem; border: 1px solid var(--ink); outline: 1px solid var(--ink); outline-offset: 3px; padding: 1.5rem 1.75rem }
  h1 { margin: 0; font-size: 1.75rem; font-weight: 500; line-height: 1.2 } p { color: var(--soft); margin: .4rem 0 0 }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .875rem; line-height: 1.5; margin: 1.1rem 0 0 }
</style>
<main><h1>The server is stopped</h1><p>It starts again when a source changes; this page then loads by itself.</p><pre>${words}</pre></main>
<script>
  setInterval(() => fetch('/stopped').then((answer) => answer.json()).then(({ said }) => { if (said !== ${scriptText(said)}) location.reload(); }, () => undefined), ${LOOK_MS});
</script></html>
`;
}

/**
 * A text as it may stand in a script element.
 *
 * @param {string} text
 */
const scriptText = (text) => JSON.stringify(text).replace(/</g, '\\u003c');
