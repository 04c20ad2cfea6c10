import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples/minimal');
const FILES = ['app.tsx', 'index.html', 'room.ts', 'room.worker.ts', 'server.ts', 'tsconfig.json', 'vite.config.ts'];
/** The port that the example's server and page agree on. */
const PORT = '8787';

/** The example as it is, on a port that nobody has. */
class Example {
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #port: number;

  constructor(port: number) {
    // Inside the checkout, so that packages are found as the example finds them.
    mkdirSync(join(root, '.cache'), { recursive: true });
    this.#folder = mkdtempSync(join(root, '.cache', 'minimal-'));
    this.#port = port;
    for (const file of FILES) cpSync(join(example, file), join(this.#folder, file));
    symlinkSync(join(example, 'node_modules'), join(this.#folder, 'node_modules'), 'junction');
    for (const file of ['server.ts', 'app.tsx']) {
      const text = readFileSync(join(example, file), 'utf8');
      expect(text.split(PORT), `${file} names the port once`).toHaveLength(2);
      writeFileSync(join(this.#folder, file), text.replace(PORT, String(port)));
    }
  }

  async startServer(): Promise<void> {
    const said = await this.#until(['--conditions=@alcove/source', '--import', import.meta.resolve('tsx'), 'server.ts'], /rooms at (\S+)/);
    expect(said).toBe(`ws://127.0.0.1:${this.#port}/sync`);
  }

  async buildPage(): Promise<void> {
    const child = this.#run([join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn']);
    const [code] = await once(child, 'close');
    expect(code, 'vite build').toBe(0);
  }

  /** Where the built page is. */
  servePage(): Promise<string> {
    return this.#until([join(root, 'node_modules/vite/bin/vite.js'), 'preview', '--port', '0', '--host', '127.0.0.1'], /(http:\S+)/);
  }

  async end(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(args: readonly string[]): ChildProcess {
    const env = { ...process.env, NO_COLOR: '1' };
    const child = spawn(process.execPath, [...args], { cwd: this.#folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    return child;
  }

  /** Waits for a line of a process that goes on. */
  #until(args: readonly string[], line: RegExp): Promise<string> {
    const child = this.#run(args);
    let said = '';
    return new Promise((resolve, reject) => {
      const listen = (bytes: Buffer) => {
        said += bytes.toString();
        const [, found] = line.exec(said) ?? [];
        if (found !== undefined) resolve(found);
      };
      child.stdout?.on('data', listen);
      child.stderr?.on('data', listen);
      child.once('close', (code) => reject(new Error(`${args.join(' ')} ended with ${code} and said:\n${said}`)));
    });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a port
  server.close();
  await once(server, 'close');
  return port;
}

test('examples/minimal builds, runs, and shows a todo of one browser in another', async ({ browser }) => {
  const example = new Example(await freePort());
  try {
    await example.buildPage();
    await example.startServer();
    const url = await example.servePage();
    const complaints: string[] = [];
    const open = async (): Promise<Page> => {
      const page = await (await browser.newContext()).newPage();
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(url);
      return page;
    };
    const [first, second] = [await open(), await open()];
    await first.getByRole('textbox').fill('Milk');
    await first.getByRole('textbox').press('Enter');
    const milk = (page: Page) => page.getByRole('checkbox', { name: 'Milk' });
    await expect(milk(second)).not.toBeChecked();
    await milk(second).click();
    await expect(milk(first)).toBeChecked();
    await first.reload();
    await expect(milk(first)).toBeChecked();
    expect(complaints).toEqual([]);
    for (const page of [first, second]) await page.context().close();
  } finally {
    await example.end();
  }
});
