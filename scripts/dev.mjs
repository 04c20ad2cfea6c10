// The demo from its sources in one Node process: the page reloads itself through Vite, the server starts anew when a source that it may run changes.
// Arguments such as --port go through to the demo's server; --reset counts for the first start only. While the server is stopped by a mistake, what it said is
// served in its place.
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { DevFront } from './dev-front.mjs';
import { root } from './run-command.mjs';

const demo = 'examples/trip-planner';
const command = ['--conditions=@alcove/source', '--import', 'tsx', `${demo}/server.ts`, '--dev'];
/** Editors write a file in several steps; this much quiet makes them one change. */
const QUIET_MS = 100;
/** Of what a server said, as much as is kept for its pages. */
const SAID_CHARACTERS_MAX = 8_000;
/** Its own lines, which say nothing of why it stopped. */
const LOG_LINE = /^\d{4}-\d\d-\d\dT\S+ (info|debug) .*\n?/gm;

const front = new DevFront();
/** Where the server listens, or would; it tells us itself. */
let at = { host: '127.0.0.1', port: 8787 };
let stopping = false;
let changed = false;
let child = start(process.argv.slice(2));
/** @type {NodeJS.Timeout | undefined} */
let quiet;

// Of the demo its own folder and src alone: beside them are its trips, whose files come and go.
for (const [folder, recursive] of /** @type {const} */ ([
  ['packages/core/src', true],
  ['packages/server/src', true],
  [demo, false],
  [`${demo}/src`, true],
])) {
  watch(join(root, folder), { recursive }, (_, file) => {
    if (file === null || !isServerSource(file)) return;
    clearTimeout(quiet);
    quiet = setTimeout(() => void restart(file), QUIET_MS);
  });
}
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    stopping = true;
    // Ctrl-C reaches the child by itself, as part of the terminal's process group.
    if (signal !== 'SIGINT') child.kill(signal);
    if (child.exitCode !== null || child.signalCode !== null) process.exit();
  });
}

/** @param {readonly string[]} args */
function start(args) {
  changed = false;
  let said = '';
  const started = spawn(process.execPath, [...command, ...args], { cwd: root, stdio: ['inherit', 'inherit', 'pipe', 'ipc'] });
  started.stderr?.on('data', (/** @type {Buffer} */ bytes) => {
    process.stderr.write(bytes);
    said = (said + bytes.toString()).slice(-SAID_CHARACTERS_MAX);
  });
  started.on('message', (/** @type {{ at: typeof at }} */ message) => {
    at = message.at;
  });
  started.on('close', (code) => {
    if (stopping) process.exit(code ?? 0);
    if (changed) child = start(argsAgain());
    else void standIn(code, said.replace(LOG_LINE, '').trim());
  });
  return started;
}

/**
 * @param {number | null} code
 * @param {string} said
 */
async function standIn(code, said) {
  console.log(`the server ended with code ${code}; it starts again when a source changes`);
  if (at.port !== 0) await front.open(at, said === '' ? `The server ended with code ${code}.` : said);
}

/** Those of the first start without --reset; on the port where pages know it to be. */
function argsAgain() {
  const args = process.argv.slice(2).filter((arg) => arg !== '--reset');
  return at.port === 0 ? args : [...args, '--port', String(at.port)];
}

/** @param {string} file */
async function restart(file) {
  console.log(`${file} changed: starting the server again`);
  if (child.exitCode === null && child.signalCode === null) {
    changed = true;
    child.kill('SIGTERM');
    return;
  }
  await front.close();
  child = start(argsAgain());
}

/**
 * Modules that the server and the page may share end in .ts; components, styles and tests are the page's alone.
 *
 * @param {string} file
 */
function isServerSource(file) {
  return file.endsWith('.ts') && !/(^|[\\/])(node_modules|dist|data)[\\/]|\.test\.ts$|\.timestamp-/.test(file);
}
