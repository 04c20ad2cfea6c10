import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { childArguments, type ChildName } from './fork-child.ts';

/** Starts the child as the host does and dies before that one can have begun. */
const PARENT = `
  import { fork } from 'node:child_process';
  const [path, ...execArgv] = process.argv.slice(1);
  fork(path, ['{"heapBytesMax":100000000,"valueBytesMax":1000000}'], { execArgv, serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  process.kill(process.pid, 'SIGKILL');
`;

it.each<ChildName>(['builder-child', 'reader-child', 'mirror-child'])(
  '[HO-47] a %s whose parent is killed while it starts ends by itself',
  async (name) => {
    const path = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
    const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT, '--', path, ...childArguments(true)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const told: Buffer[] = [];
    parent.stderr.on('data', (bytes: Buffer) => told.push(bytes));
    // The child holds the same pipe: it is closed when the last of both has ended.
    const [, signal] = (await once(parent, 'close')) as [unknown, string | null];
    expect(signal).toBe('SIGKILL');
    expect(Buffer.concat(told).toString()).toBe('');
  },
  60_000,
);
