// The demo from its sources in one Node process: the page reloads itself through Vite, the server starts anew when a source that it may run changes.
// Arguments such as --port go through to the demo's server; --reset counts for the first start only.
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { root } from './run-command.mjs';

const demo = 'examples/trip-planner';
const command = ['--conditions=@alcove/source', '--import', 'tsx', `${demo}/server.ts`, '--dev'];
/** Editors write a file in several steps; this much quiet makes them one change. */
const QUIET_MS = 100;

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
    quiet = setTimeout(() => restart(file), QUIET_MS);
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
  const started = spawn(process.execPath, [...command, ...args], { cwd: root, stdio: 'inherit' });
  started.on('exit', (code) => {
    if (stopping) process.exit(code ?? 0);
    if (changed) child = start(process.argv.slice(2).filter((arg) => arg !== '--reset'));
    else console.log(`the server ended with code ${code}; it starts again when a source changes`);
  });
  return started;
}

/** @param {string} file */
function restart(file) {
  console.log(`${file} changed: starting the server again`);
  changed = true;
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  else child = start(process.argv.slice(2).filter((arg) => arg !== '--reset'));
}

/**
 * Modules that the server and the page may share end in .ts; components, styles and tests are the page's alone.
 *
 * @param {string} file
 */
function isServerSource(file) {
  return file.endsWith('.ts') && !/(^|[\\/])(node_modules|dist|data)[\\/]|\.test\.ts$|\.timestamp-/.test(file);
}
