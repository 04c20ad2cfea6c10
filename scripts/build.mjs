// Builds what is missing or older than its sources: the packages with tsdown, then each example that has a build script.
//   node scripts/build.mjs [--force]
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runCommand, runNode } from './run-command.mjs';

/** Folders that hold no source of what is built. */
const NOT_SOURCE = new Set(['node_modules', 'dist', '.cache', 'data', 'test-results']);

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = (await build({ force: process.argv.includes('--force') })) ? 0 : 1;
}

/**
 * @param {{ force?: boolean }} [options]
 * @returns {Promise<boolean>} whether everything is built now; what failed has said so on the terminal
 */
export async function build({ force = false } = {}) {
  const packagesHash = hashOf(['packages', 'tsdown.config.ts', 'tsconfig.base.json', 'pnpm-lock.yaml']);
  const packagesOk = await buildUnit({
    name: 'packages',
    hash: packagesHash,
    force: force || !packageFolders().every((folder) => existsSync(join(root, folder, 'dist'))),
    // Not by its command, which tells every build on Node 20 to use another Node.
    run: () => runNode(['--input-type=module', '--eval', "await (await import('tsdown')).build({ logLevel: 'warn' })"]),
  });
  if (!packagesOk) return false;
  for (const name of examplesWithBuild()) {
    const folder = `examples/${name}`;
    const ok = await buildUnit({
      name: folder,
      hash: `${packagesHash} ${hashOf([folder])}`,
      force: force || !existsSync(join(root, folder, 'dist')),
      run: () => runCommand('npm', ['run', '--silent', 'build', '--prefix', folder]),
    });
    if (!ok) return false;
  }
  return true;
}

/**
 * @param {{ name: string, hash: string, force: boolean, run: () => Promise<{ code: number }> }} unit
 * @returns {Promise<boolean>}
 */
async function buildUnit({ name, hash, force, run }) {
  const stamp = join(root, '.cache', 'build', name.replace('/', '-'));
  if (!force && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return true;
  console.log(`building ${name}`);
  const { code } = await run();
  if (code !== 0) {
    console.error(`building ${name} failed with code ${code}`);
    return false;
  }
  mkdirSync(join(stamp, '..'), { recursive: true });
  writeFileSync(stamp, hash);
  return true;
}

/** @returns {string[]} from the root of the checkout */
export function packageFolders() {
  return readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
}

function examplesWithBuild() {
  const folder = join(root, 'examples');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => {
    const file = join(folder, name, 'package.json');
    return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).scripts?.build !== undefined;
  });
}

/**
 * A hash of the contents of files and folders.
 *
 * @param {readonly string[]} paths relative to the root
 */
function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of filesUnder(path)) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(path) {
  const entries = readdirSync(join(root, path, '..'), { withFileTypes: true });
  const self = entries.find((entry) => entry.name === path.split('/').at(-1));
  if (self === undefined) return [];
  if (!self.isDirectory()) return [path];
  return readdirSync(join(root, path))
    .filter((name) => !NOT_SOURCE.has(name) && !/\.test\.tsx?$/.test(name))
    .sort()
    .flatMap((name) => filesUnder(`${path}/${name}`));
}
