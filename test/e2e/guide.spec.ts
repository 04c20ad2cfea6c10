import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
import { writeSamples } from '../integration/page-samples.ts';

const vite = fileURLToPath(new URL('../../node_modules/vite/bin/vite.js', import.meta.url));
const PAGE =
  '<!doctype html><html lang="en"><head><title>Board</title><link rel="icon" href="data:,"></head><body><script type="module" src="/app.tsx"></script></body></html>';

const children: ChildProcess[] = [];
const folders: string[] = [];
test.afterAll(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Starts a process that goes on, and waits for what it says. */
function until(cwd: string, args: readonly string[], env: Readonly<Record<string, string>>, line: RegExp): Promise<string> {
  const child = spawn(process.execPath, [...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let said = '';
  return new Promise((resolve, reject) => {
    const listen = (bytes: Buffer) => {
      said += bytes.toString();
      const [, found] = line.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('close', (code) => reject(new Error(`${args.join(' ')} ended with ${code} and said:\n${said}`)));
  });
}

/** The guide's app as a user of the published packages has it: its files, a page, Vite's development server, its own server. */
async function startApp(): Promise<string> {
  const folder = writeSamples('docs/GUIDE.md');
  const dataDir = mkdtempSync(join(tmpdir(), 'alcove-guide-'));
  folders.push(folder, dataDir);
  writeFileSync(join(folder, 'index.html'), PAGE);
  const server = ['--import', import.meta.resolve('tsx'), 'server.ts'];
  const rooms = await until(folder, server, { PORT: '0', DATA_DIR: dataDir }, /rooms at ws:\/\/(\S+?)\/sync/);
  return until(folder, [vite, '--port', '0', '--host', '127.0.0.1'], { ROOMS_URL: `http://${rooms}` }, /(http:\S+)/);
}

/** What an element shows, one text after the other, until it shows nothing. */
function textsUntilEmpty(page: Page, selector: string): Promise<string[]> {
  return page.evaluate(
    (selected) =>
      new Promise<string[]>((resolve) => {
        const found = document.querySelector(selected);
        const seen: string[] = [];
        const observer = new MutationObserver(() => {
          seen.push(found?.textContent ?? '');
          if (found?.textContent === '') resolve(seen);
        });
        if (found !== null) observer.observe(found, { childList: true, characterData: true, subtree: true });
      }),
    selector,
  );
}

test('the app of docs/GUIDE.md shows what the guide says', async ({ browser }) => {
  const url = await startApp();
  const complaints: string[] = [];
  const open = async (): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(url);
    await expect(page.getByLabel('connection')).toHaveText('connected');
    return page;
  };
  const [ada, bob] = [await open(), await open()];

  await ada.getByLabel('new card in To do').fill('Milk');
  await ada.getByLabel('new card in To do').press('Enter');
  // Checked at once, as `check` demands, and by the row from then on.
  await bob.getByRole('checkbox', { name: 'Milk' }).check();
  await expect(ada.getByRole('checkbox', { name: 'Milk' })).toBeChecked();
  await expect(ada.getByLabel('totals')).toHaveText(/To do: 0/);

  const field = bob.getByLabel('title of Milk');
  await field.press('Home');
  await field.pressSequentially('Oat ', { delay: 30 });
  await field.press('Tab');
  await expect(ada.getByRole('checkbox', { name: 'Oat Milk' })).toBeChecked();

  await expect(bob.getByLabel('found')).toHaveText('Oat Milk');
  const texts = textsUntilEmpty(bob, '[aria-label=found]');
  await bob.getByLabel('filter').pressSequentially('oat!', { delay: 30 });
  // The rows of the text before stay until those for the next are there: the one list that is empty is the one that nothing matches.
  expect(await texts).toEqual(['']);
  await bob.getByLabel('filter').fill('');

  await ada.getByLabel('new card in Doing').press('Enter');
  await expect(ada.getByRole('alert')).toBeVisible();
  await ada.getByRole('button', { name: /^addCard:/ }).click();
  await expect(ada.getByRole('button', { name: /^addCard:/ })).toHaveCount(0);

  await ada.getByRole('button', { name: 'Come in' }).click();
  await expect(bob.getByLabel('people')).toContainText('Ada');
  await ada.getByLabel('To do', { exact: true }).getByRole('button', { name: 'I am writing' }).click();
  await expect(bob.getByLabel('To do', { exact: true })).toContainText('1 writing …');
  await ada.getByLabel('canvas').hover({ position: { x: 30, y: 40 } });
  await expect(bob.getByLabel('canvas')).toContainText('↖');

  await ada.getByLabel('zoom').fill('2.5');
  await expect(bob.getByLabel('zoom')).toHaveValue('2.5');
  await ada.getByRole('button', { name: '0 likes' }).click();
  await bob.getByRole('button', { name: '1 likes' }).click();
  await expect(ada.getByRole('button', { name: '2 likes' })).toBeVisible();

  await ada.close();
  await expect(bob.getByLabel('people')).not.toContainText('Ada');
  expect(complaints).toEqual([]);
});
