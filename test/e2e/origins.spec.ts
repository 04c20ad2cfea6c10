import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
import type { Happened, Origins } from './origins-server.ts';

let child: ChildProcess;
let dataDir = '';
let origins: Origins;

test.beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'alcove-origins-'));
  child = fork(fileURLToPath(new URL('origins-server.ts', import.meta.url)), [dataDir], {
    execArgv: ['--conditions=@alcove/source', '--import', import.meta.resolve('tsx')],
  });
  [origins] = (await once(child, 'message')) as [Origins]; // its first word
});
test.afterAll(async () => {
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
  rmSync(dataDir, { recursive: true });
});

async function happened(): Promise<Happened> {
  const answer = once(child, 'message');
  child.send('what has happened?');
  const [told] = (await answer) as [Happened]; // its answer to the only question it is asked
  return told;
}

/** A browser in which somebody has signed in to the app, and looks at a page of that origin; and what its console says. */
async function look(page: Page, origin: string): Promise<string[]> {
  const said: string[] = [];
  page.on('console', (line) => void said.push(line.text()));
  await page.goto(`${origins.app}/`);
  if (origin !== origins.app) await page.goto(`${origin}/`);
  await happened();
  return said;
}

interface Outcome {
  readonly opened: boolean;
  readonly closeCode: number | null;
  readonly first: { readonly type: string; readonly code?: string; readonly user?: unknown } | null;
}

/** What comes of a socket that the page opens, and of a hello without a token. */
const socketOf = (page: Page, path: string): Promise<Outcome> =>
  page.evaluate(
    (url) =>
      new Promise<Outcome>((resolve) => {
        const socket = new WebSocket(url);
        let opened = false;
        socket.onopen = () => {
          opened = true;
          socket.send(JSON.stringify({ type: 'hello', protocol: 1, room: 'notebook', id: 'shared', clientId: crypto.randomUUID() }));
        };
        socket.onmessage = ({ data }) => {
          resolve({ opened, closeCode: null, first: JSON.parse(String(data)) });
          socket.close();
        };
        socket.onclose = ({ code }) => resolve({ opened, closeCode: code, first: null });
      }),
    `${origins.app.replace('http', 'ws')}${path}`,
  );

/** What a page gets to know of an answer over HTTP. */
const fetched = (page: Page, path: string): Promise<number | string> =>
  page.evaluate(
    (url) =>
      fetch(url, { credentials: 'include' }).then(
        ({ status }) => status,
        (error: Error) => error.name,
      ),
    `${origins.app}${path}`,
  );

test('[HO-10] [AC-15] a page of the app’s own host opens a socket and is signed in by its cookie', async ({ page }) => {
  await look(page, origins.app);
  expect(await socketOf(page, '/own')).toMatchObject({ opened: true, first: { type: 'welcome', user: { sub: 'ann' } } });
  expect(await happened()).toEqual({ cookies: ['session=s1'], sent: ['session=s1'], turnedAway: [] });
});

test('[HO-10] [AC-15] so does a page of an origin that is listed', async ({ page }) => {
  await look(page, origins.friend);
  expect(await socketOf(page, '/listed')).toMatchObject({ opened: true, first: { type: 'welcome', user: { sub: 'ann' } } });
  expect(await happened()).toEqual({ cookies: ['session=s1'], sent: ['session=s1'], turnedAway: [] });
});

for (const path of ['/own', '/listed']) {
  test(`[HO-10] a stranger’s page, whose socket the browser sends the visitor’s cookie with, is turned away before it opens: ${path}`, async ({
    page,
  }) => {
    const said = await look(page, origins.stranger);
    expect(await socketOf(page, path)).toEqual({ opened: false, closeCode: 1006, first: null });
    await expect.poll(() => said.join()).toContain('Unexpected response code: 403');
    // The browser did its part of the attack; nobody was asked who that is.
    expect(await happened()).toEqual({ cookies: [], sent: ['session=s1'], turnedAway: [origins.stranger] });
    expect(await fetched(page, `${path}?image=notebook%2Fshared&view=all`)).toBe('TypeError');
    expect(await happened()).toMatchObject({ cookies: [], sent: ['session=s1'] });
  });
}

test('[HO-10] nor does a page get in that hides its origin in a sandbox', async ({ page }) => {
  const said = await look(page, origins.app);
  await page.setContent('<iframe sandbox="allow-scripts" srcdoc="<title>hidden</title>"></iframe>');
  const frame = page.frames().at(-1);
  if (frame === undefined || frame === page.mainFrame()) throw new TypeError('there is no frame');
  const opened = await frame.evaluate(
    (url) =>
      new Promise<boolean>((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve(true);
        socket.onclose = () => resolve(false);
      }),
    `${origins.app.replace('http', 'ws')}/own`,
  );
  expect(opened).toBe(false);
  await expect.poll(() => said.join()).toContain('Unexpected response code: 403');
  expect(await happened()).toMatchObject({ cookies: [], turnedAway: ['null'] });
});
