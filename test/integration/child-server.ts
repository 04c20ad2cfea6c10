import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Runs a TypeScript file of these tests, or of a package, in a Node process of its own. */
export const spawnSource = (file: string, args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv } = {}): ChildProcess =>
  spawn(process.execPath, ['--conditions=@alcove/source', '--import', import.meta.resolve('tsx'), file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });

export interface ChildServer {
  readonly url: string;
  readonly child: ChildProcess;
  /** Everything it wrote to standard error so far. */
  errors(): string;
}

/** Starts server-process.ts and waits for its address. */
export const startChildServer = async (dataDir: string, env: NodeJS.ProcessEnv = process.env): Promise<ChildServer> => {
  const child = spawnSource(fileURLToPath(new URL('./server-process.ts', import.meta.url)), [dataDir], { env });
  let errors = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    errors += bytes.toString();
  });
  const url = await firstLine(child);
  if (url === null) throw new Error(`the server did not start: ${errors}`);
  return { url, child, errors: () => errors };
};

/** What a process says and how it ends. */
export const finished = async (
  child: ChildProcess,
): Promise<{ code: number | null; signal: NodeJS.Signals | null; out: string; err: string }> => {
  let out = '';
  let err = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    out += bytes.toString();
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    err += bytes.toString();
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]; // as Node documents the event
  return { code, signal, out, err };
};

const firstLine = (child: ChildProcess): Promise<string | null> =>
  new Promise((resolve) => {
    let text = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.once('exit', () => resolve(null));
  });
