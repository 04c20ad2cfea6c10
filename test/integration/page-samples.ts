import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the blocks of a page of the documentation are. */
export interface PageSamples {
  /** Files by name: the blocks that begin with `// name`, joined in order. */
  readonly files: ReadonlyMap<string, string>;
  /** Lines of `sh` blocks, without comments. */
  readonly commands: readonly string[];
  /** The beginnings of blocks that are neither, and that no test could look at. */
  readonly strays: readonly string[];
}

/** @param path of the page, from the root of the checkout */
export const samplesOf = (path: string): PageSamples => samplesIn(readFileSync(join(root, path), 'utf8'));

export function samplesIn(markdown: string): PageSamples {
  const files = new Map<string, string>();
  const commands: string[] = [];
  const strays: string[] = [];
  for (const [, language = '', code = ''] of markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)) {
    const [line = '', name] = /^\/\/ ([\w.-]+\.tsx?)\n/.exec(code) ?? [];
    if (language === 'sh') commands.push(...commandsIn(code));
    else if (/^tsx?$/.test(language) && name?.split('.').at(-1) === language)
      files.set(name, `${files.get(name) ?? ''}${code.slice(line.length)}`);
    else strays.push(`${language}: ${code.slice(0, 60)}`);
  }
  return { files, commands, strays };
}

const commandsIn = (code: string): string[] =>
  code
    .split('\n')
    .map((line) => line.replace(/(^|\s+)#.*$/, '').trim())
    .filter((line) => line !== '');

/** Packages of the server's that a page has apps install beside what an app of the workspace has. */
const INSTALLED: Readonly<Record<string, readonly string[]>> = {
  'docs/guides/access.md': ['jose'],
  'docs/guides/postgres.md': ['pg', '@types/pg'],
};

/**
 * Writes a page's files into a new folder inside the checkout, where packages are found as an app of the workspace finds them.
 * @param path of the page, from the root of the checkout
 * @returns the folder; whoever asked removes it
 */
export function writeSamples(path: string): string {
  const folder = newFolder();
  fill(folder, path);
  return folder;
}

/**
 * What TypeScript says against the files of the pages, with a compiler for all of them; nothing where they compile.
 * @param paths of the pages, from the root of the checkout
 */
export async function compilerComplaints(paths: readonly string[]): Promise<string> {
  const folder = newFolder();
  try {
    for (const path of paths) {
      const own = join(folder, path.replaceAll('/', '-'));
      mkdirSync(own);
      fill(own, path);
    }
    const config = {
      extends: '../../tsconfig.base.json',
      compilerOptions: { lib: ['ES2023', 'DOM', 'DOM.Iterable'], types: ['node'], jsx: 'react-jsx' },
      include: ['*/*.ts', '*/*.tsx'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    symlinkSync(modulesOf('examples/minimal'), join(folder, 'node_modules'), 'junction');
    return await complaintsOf([join(root, 'node_modules/typescript-7/bin/tsc'), '-p', folder], folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function newFolder(): string {
  mkdirSync(join(root, '.cache'), { recursive: true });
  return mkdtempSync(join(root, '.cache', 'samples-'));
}

function fill(folder: string, path: string): void {
  const more = INSTALLED[path] ?? [];
  if (more.length === 0) symlinkSync(modulesOf('examples/minimal'), join(folder, 'node_modules'), 'junction');
  else linkPackages(join(folder, 'node_modules'), more);
  for (const [name, code] of samplesOf(path).files) writeFileSync(join(folder, name), code);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}

const modulesOf = (path: string): string => join(root, path, 'node_modules');

function linkPackages(target: string, server: readonly string[]): void {
  const link = (from: string, name: string) => symlinkSync(join(from, name), join(target, name), 'junction');
  mkdirSync(target);
  const example = modulesOf('examples/minimal');
  for (const name of readdirSync(example)) if (!name.startsWith('.') && name !== '@types') link(example, name);
  mkdirSync(join(target, '@types'));
  for (const name of readdirSync(join(example, '@types'))) link(example, join('@types', name));
  for (const name of server) link(modulesOf('packages/server'), name);
}

/** Runs a program of Node's to its end; gives what it said where it failed, else nothing. */
export const complaintsOf = async (args: readonly string[], cwd: string): Promise<string> => {
  try {
    await promisify(execFile)(process.execPath, [...args], { cwd, env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' } });
    return '';
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }; // what execFile adds to its errors
    return `${stdout}${stderr}` || String(error);
  }
};
