// Makes a fresh checkout ready from nothing but Node and npm, and does next to nothing where it is ready already.
//   node scripts/setup.mjs               install, choose the SQLite driver
//   node scripts/setup.mjs --for-test    and find a browser, install one where that is allowed
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBrowser, installHint } from './find-browser.mjs';
import { PNPM } from './pnpm.mjs';
import { root, runCommand, runNode } from './run-command.mjs';
import { readSetupRecord, writeSetupRecord } from './setup-record.mjs';

const NODE_FLOOR = /** @type {const} */ ([20, 19]);

/** @param {string} line */
const say = (line) => console.log(`set-up: ${line}`);

const forTest = process.argv.includes('--for-test');
const problem = await setUp();
if (problem !== null) {
  console.error(`set-up failed: ${problem}`);
  if (forTest) console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}

/** @returns {Promise<string | null>} what stands in the way, or null */
async function setUp() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor < NODE_FLOOR[1])) {
    return `Node ${NODE_FLOOR.join('.')} or newer is needed, this is ${process.versions.node}. Install it from https://nodejs.org`;
  }
  const before = readSetupRecord();
  const stamp = installStamp();
  const installed = before.stamp === stamp && isInstalled();
  if (!installed) {
    say('installing packages');
    const { code } = await runCommand('npx', ['-y', PNPM, 'install', '--frozen-lockfile']);
    if (code !== 0) return `npx -y ${PNPM} install --frozen-lockfile ended with code ${code}; its output is above`;
  }
  const driver = installed && before.driver !== null ? before.driver : await chooseDriver();
  if (driver === null) return 'neither better-sqlite3 nor @photostructure/sqlite loads here; their errors are above';
  const known = before.browser !== null && existsSync(before.browser) ? before.browser : null;
  const browser = forTest ? (known ?? (await findBrowser({ mayInstall: true, say }))) : known;
  if (forTest && browser === null) say(`no browser: browser tests will be skipped. To run them: ${installHint}`);
  writeSetupRecord({ stamp, driver, browser });
  return null;
}

/** Changes with whatever a new install would change: the lockfile, every package.json, Node's binary interface. */
function installStamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.versions.modules}\n`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.pnpmfile.cjs', 'package.json', ...packageFiles()]) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** @returns {string[]} the package.json of every workspace package */
function packageFiles() {
  const folders = ['packages', 'examples'].flatMap((parent) => {
    if (!existsSync(join(root, parent))) return [];
    return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
  });
  return [...folders, 'test'].map((folder) => `${folder}/package.json`).filter((file) => existsSync(join(root, file)));
}

function isInstalled() {
  return ['.', ...packageFiles().map((file) => join(file, '..'))].every((folder) => existsSync(join(root, folder, 'node_modules')));
}

/**
 * better-sqlite3 needs a prebuilt binary or a compiler; where it has neither, the host and all tests run on the other driver. Tried in a child
 * process, because a binary that does not fit can end the process that loads it.
 *
 * @returns {Promise<import('./setup-record.mjs').SetupRecord['driver']>}
 */
async function chooseDriver() {
  const better = await runNode(['-e', "new (require('better-sqlite3'))(':memory:').close()"], { capture: true });
  if (better.code === 0) return 'better-sqlite3';
  const photostructure = await runNode(['-e', "new (require('@photostructure/sqlite').DatabaseSync)(':memory:').close()"], {
    capture: true,
  });
  if (photostructure.code === 0) {
    say('better-sqlite3 does not load here; the server and its tests run on @photostructure/sqlite');
    return 'photostructure';
  }
  console.error(better.output, photostructure.output);
  return null;
}
