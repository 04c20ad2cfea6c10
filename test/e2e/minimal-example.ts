import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@playwright/test';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples/minimal');
const FILES = ['app.tsx', 'index.html', 'room.ts', 'room.worker.ts', 'server.ts', 'tsconfig.json', 'vite.config.ts'];
/** The port that the example's server and page agree on. */
const PORT = '8788';

const PLAIN_VITE_CONFIG = `import react from '@vitejs/plugin-react';
export default { plugins: [react()], worker: { format: 'es' }, optimizeDeps: { include: ['@alcove/client/worker'] } };
`;

/** The example as it is, on a port that nobody has: in the workspace, or in a folder of its own with the packages as they are published. */
export class MinimalExample {
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #port: number;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    for (const file of FILES) cpSync(join(example, file), join(this.#folder, file));
    for (const file of ['server.ts', 'app.tsx']) {
      const text = readFileSync(join(example, file), 'utf8');
      expect(text.split(PORT), `${file} names the port once`).toHaveLength(2);
      writeFileSync(join(this.#folder, file), text.replace(PORT, String(port)));
    }
  }

  static async inWorkspace(): Promise<MinimalExample> {
    // Inside the checkout, so that packages are found as the example finds them.
    mkdirSync(join(root, '.cache'), { recursive: true });
    const folder = mkdtempSync(join(root, '.cache', 'minimal-'));
    symlinkSync(join(example, 'node_modules'), join(folder, 'node_modules'), 'junction');
    return new MinimalExample(folder, await freePort());
  }

  /** With the tarballs that would be published, and a Vite configuration that knows nothing of this checkout. */
  static async fromTarballs(): Promise<MinimalExample> {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-packed-'));
    unpackPackages(folder);
    const packed = new MinimalExample(folder, await freePort());
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'vite.config.ts'), PLAIN_VITE_CONFIG);
    // Drizzle's own declarations need skipLibCheck.
    const compilerOptions = {
      target: 'es2023',
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      types: ['node'],
      jsx: 'react-jsx',
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      allowImportingTsExtensions: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts', '*.tsx'] }));
    packed.#conditions = [];
    return packed;
  }

  #conditions = ['--conditions=@alcove/source'];

  async startServer(): Promise<void> {
    const said = await this.#until([...this.#conditions, '--import', import.meta.resolve('tsx'), 'server.ts'], /rooms at (\S+)/);
    expect(said).toBe(`ws://127.0.0.1:${this.#port}/sync`);
  }

  buildPage(): Promise<void> {
    return this.#toItsEnd([join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn']);
  }

  /** With one release of TypeScript's and one way in which it finds packages. */
  checkTypes(compiler: 'typescript' | 'typescript-7', moduleResolution: 'bundler' | 'nodenext'): Promise<void> {
    const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution;
    return this.#toItsEnd([
      join(root, 'node_modules', compiler, 'bin/tsc'),
      '-p',
      '.',
      '--module',
      module,
      '--moduleResolution',
      moduleResolution,
    ]);
  }

  /** Where the page is, straight from its sources. */
  serveDev(): Promise<string> {
    return this.#until([join(root, 'node_modules/vite/bin/vite.js'), '--port', '0', '--host', '127.0.0.1'], /(http:\S+)/);
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

  async #toItsEnd(args: readonly string[]): Promise<void> {
    const child = this.#run(args);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        said += bytes.toString();
      });
    }
    const [code] = await once(child, 'close');
    expect(code, `${args.join(' ')} said:\n${said}`).toBe(0);
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

/** Every package as `pnpm pack` makes it, and what they and the example need beside them. */
function unpackPackages(folder: string): void {
  const modules = join(folder, 'node_modules');
  for (const name of ['core', 'client', 'server', 'react']) {
    const into = join(modules, '@alcove', name);
    mkdirSync(into, { recursive: true });
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', into], {
      cwd: join(root, 'packages', name),
      stdio: 'ignore',
    });
    const [tarball = ''] = readdirSync(into);
    execFileSync('tar', ['-xzf', tarball, '--strip-components=1'], { cwd: into });
    rmSync(join(into, tarball));
    linkModules(join(root, 'packages', name, 'node_modules'), modules);
  }
  linkModules(join(example, 'node_modules'), modules);
}

function linkModules(from: string, to: string): void {
  const names = readdirSync(from).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(from, name)).map((inner) => `${name}/${inner}`) : [name],
  );
  for (const name of names) {
    if (name.startsWith('.') || name.startsWith('@alcove/') || existsSync(join(to, name))) continue;
    mkdirSync(dirname(join(to, name)), { recursive: true });
    symlinkSync(realpathSync(join(from, name)), join(to, name), 'junction');
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
