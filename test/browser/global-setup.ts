import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    serverUrl: string;
  }
}

/** A real server for the tests that run in a browser. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'alcove-browser-'));
  const child = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), [dataDir], {
    execArgv: ['--conditions=@alcove/source', '--import', 'tsx'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(message as string)); // server.ts sends its address and nothing else
    child.once('exit', (code) => reject(new TypeError(`the server for browser tests ended with code ${code}`)));
  });
  project.provide('serverUrl', url);
  return async () => {
    child.disconnect();
    await exited;
    rmSync(dataDir, { recursive: true });
  };
}
