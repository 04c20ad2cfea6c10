import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Processes that the host starts for work of their own; each file stands beside this one, also where all is built. */
export type ChildName = 'builder-child' | 'reader-child' | 'mirror-child';

interface ChildOptions {
  readonly args?: readonly string[];
  /** It asks for garbage collections: they close what handles of SQLite leave open. */
  readonly collects?: boolean;
  /** `json` holds what JSON does; `advanced` every kind of value. */
  readonly serialization: 'json' | 'advanced';
}

const fromSource = import.meta.url.endsWith('.ts');
const urls: Readonly<Record<ChildName, URL>> = {
  'builder-child': new URL(fromSource ? './builder-child.ts' : './builder-child.js', import.meta.url),
  'reader-child': new URL(fromSource ? './reader-child.ts' : './reader-child.js', import.meta.url),
  'mirror-child': new URL(fromSource ? './mirror-child.ts' : './mirror-child.js', import.meta.url),
};
const pathOf = (name: ChildName): string => fileURLToPath(urls[name]);

/** Whether the child's file is there: a bundle of an app's own may have left it behind. */
export const hasChild = (name: ChildName): boolean => existsSync(pathOf(name));

/** What Node takes before the file's name. */
export const childArguments = (collects: boolean): string[] => [
  ...(collects ? ['--expose-gc'] : []),
  ...(fromSource ? ['--conditions=@alcove/source', '--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] : []),
];

/** Its errors go where the parent's go. It ends with its parent: see end-with-parent.ts. */
export const forkChild = (name: ChildName, { args = [], collects = false, serialization }: ChildOptions): ChildProcess =>
  fork(pathOf(name), [...args], { execArgv: childArguments(collects), serialization, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
