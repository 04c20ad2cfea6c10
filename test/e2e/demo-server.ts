import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TripAccess } from '../../examples/trip-planner/src/server/trip-access.ts';
import { lookKeyIn, type Role } from '../../examples/trip-planner/src/trip-key.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = 'examples/trip-planner/dist/server.js';

export interface DemoServerOptions {
  readonly dataDir: string;
  /** 0 takes a free one; the same again brings a server back to where its pages look for it. */
  readonly port?: number;
  /** From its sources, as `npm run dev` starts it. */
  readonly dev?: boolean;
  /** Beside the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

/** By origin: where the trips of a server of this process are. */
const dataDirs = new Map<string, string>();

/** A link to a trip, made as its server makes it, be the trip there already or not. */
export function linkTo(url: string, role: Role = 'edit'): string {
  const { origin, pathname } = new URL(url);
  const edit = TripAccess.of(dataDirs.get(origin) ?? '').keyFor(pathname.slice('/trip/'.length));
  return `${url}#${(role === 'edit' ? edit : lookKeyIn(edit)).text}`;
}

/** The demo as its users start it: a process of its own, known by its address line. */
export class DemoServer {
  readonly url: string;
  /** Everything it printed. */
  readonly said: () => string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess, said: () => string) {
    this.url = url;
    this.#child = child;
    this.said = said;
  }

  static async start({ dataDir, port = 0, dev = false, env = {} }: DemoServerOptions): Promise<DemoServer> {
    if (!dev && !existsSync(join(root, built))) throw new Error(`${built} is not there: npm run build`);
    const command = dev ? ['--conditions=@alcove/source', '--import', 'tsx', 'examples/trip-planner/server.ts', '--dev'] : [built];
    const child = spawn(process.execPath, [...command, '--data', dataDir, '--port', String(port)], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    const url = await new Promise<string>((resolve, reject) => {
      const listen = (bytes: Buffer) => {
        said += bytes.toString();
        const [, found] = /^Trip planner: (http:\S+)$/m.exec(said) ?? [];
        if (found !== undefined) resolve(found);
      };
      child.stdout.on('data', listen);
      child.stderr.on('data', listen);
      child.once('close', (code) => reject(new Error(`the server ended with ${code} and said:\n${said}`)));
    });
    dataDirs.set(new URL(url).origin, dataDir);
    return new DemoServer(url, child, () => said);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** As a crash ends it: nothing is written any more, nobody is told. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** As whoever started it ends it. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** It stands still: sockets stay open, nothing is answered. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill(signal);
    await closed;
  }
}

/** `npm run dev` as its users start it, over trips that its server cannot open: the server stops, what it said is left. */
export class StoppedDev {
  readonly #child: ChildProcess;
  /** Everything it printed. */
  readonly said: string;

  private constructor(child: ChildProcess, said: string) {
    this.#child = child;
    this.said = said;
  }

  static async start({ dataDir, port }: { readonly dataDir: string; readonly port: number }): Promise<StoppedDev> {
    const child = spawn(process.execPath, ['scripts/dev.mjs', '--data', dataDir, '--port', String(port)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const listen = (bytes: Buffer) => {
        said += bytes.toString();
        if (said.includes('it starts again when a source changes')) resolve();
      };
      child.stdout.on('data', listen);
      child.stderr.on('data', listen);
      child.once('close', (code) => reject(new Error(`it ended with ${code} and said:\n${said}`)));
    });
    return new StoppedDev(child, said);
  }

  async stop(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await closed;
  }
}

/** A place for trips that is gone when the test ends. */
export class TemporaryFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'alcove-e2e-'));

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
