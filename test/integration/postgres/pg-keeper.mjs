import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, killTree, signalTree } from './pg-processes.mjs';

/**
 * Ends a cluster and removes its directory as soon as the process that started it says so or is gone, however it went: the end of the channel between
 * them is the sign. A process of its own, since nothing in a process survives its SIGKILL.
 *
 * Started with the directory; hears `{ started: pid }` and `{ ended: pid }` of the servers.
 */
const directory = process.argv[2];
if (directory === undefined) throw new Error('pg-keeper needs the directory that it removes at the end');

/** What an immediate shutdown may take before the rest is killed. */
const SHUTDOWN_MS = 3_000;
const POLL_MS = 10;

/** @type {Set<number>} */
const servers = new Set();

process.on('message', (/** @type {{ started?: number, ended?: number }} */ { started, ended }) => {
  if (started !== undefined) servers.add(started);
  if (ended !== undefined) servers.delete(ended);
});
process.once('disconnect', endAll);
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => {}); // a terminal's ^C ends the tests; then it is our turn

function endAll() {
  for (const pid of servers) {
    signalTree(pid, 'SIGCONT'); // what is paused hears nothing else
    if (isRunning(pid)) process.kill(pid, 'SIGQUIT'); // immediate shutdown: nothing is written, shared memory is given back
  }
  afterwards(Date.now() + SHUTDOWN_MS);
}

/** @param {number} deadlineMs */
function afterwards(deadlineMs) {
  if ([...servers].some(isRunning) && Date.now() < deadlineMs) {
    setTimeout(() => afterwards(deadlineMs), POLL_MS);
    return;
  }
  for (const pid of servers) if (isRunning(pid)) killTree(pid);
  removeSharedMemory();
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** What a killed server leaves in the system: one block of 56 bytes, named in its file of locks. Where there is no `ipcrm` it stays. */
function removeSharedMemory() {
  for (const node of readdirSync(directory)) {
    const file = join(directory, node, 'postmaster.pid');
    if (!existsSync(file)) continue;
    const id = readFileSync(file, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1];
    if (id === undefined) continue;
    try {
      execFileSync('ipcrm', ['-m', id], { stdio: 'ignore' });
    } catch {
      // gone already, or no such program
    }
  }
}
