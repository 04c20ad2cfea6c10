import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockDataDir } from './data-dir-lock.ts';

let directory: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alcove-lock-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** Another process that takes the lock and keeps it. */
const holder = async (): Promise<ChildProcess> => {
  const lockFile = fileURLToPath(new URL('./data-dir-lock.ts', import.meta.url));
  const script = `import { lockDataDir } from ${JSON.stringify(lockFile)}; lockDataDir(${JSON.stringify(directory)}); console.log('held'); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--conditions=@alcove/source', '--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [first] = await once(child.stdout, 'data');
  expect(String(first)).toBe('held\n');
  return child;
};

const taken = expect.objectContaining({ code: 'data_dir_locked' });

describe('lockDataDir', () => {
  it('[HO-3] one holder in a process, by whatever path', () => {
    const lock = lockDataDir(directory);
    const other = `${directory}-link`;
    symlinkSync(directory, other);
    try {
      expect(() => lockDataDir(directory)).toThrow(taken);
      expect(() => lockDataDir(other)).toThrow(taken);
    } finally {
      rmSync(other);
    }
    lock.release();
    lock.release();
    lockDataDir(directory).release();
  });

  it('[HO-3] another process keeps it, is named, and its death by SIGKILL frees it at once', async () => {
    const child = await holder();
    expect(() => lockDataDir(directory)).toThrow(
      expect.objectContaining({ code: 'data_dir_locked', message: expect.stringContaining(`process ${child.pid}`) }),
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockDataDir(directory).release();
  });
});
