import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processes of PostgreSQL by their parents: each backend leads a session of its own, so no signal to a group reaches them. Plain JavaScript, since the
 * keeper runs it without a loader.
 */

/** @typedef {{ readonly pid: number, readonly parent: number, readonly ended: boolean }} ProcessLine */

/** @returns {ProcessLine[]} every process of the machine; one that ended and was not collected yet counts as ended */
function allProcesses() {
  return process.platform === 'linux' ? fromProc() : fromPs();
}

/** @returns {ProcessLine[]} */
function fromProc() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The name in brackets may hold anything, so what follows is counted from its end.
        const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return [{ pid: Number(name), parent: Number(parent), ended: state === 'Z' || state === 'X' }];
      } catch {
        return []; // ended between the two reads
      }
    });
}

/** @returns {ProcessLine[]} */
function fromPs() {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,state='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [pid = '', parent = '', state = ''] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), ended: state.startsWith('Z') };
    });
}

/**
 * @param {number} pid
 * @returns {boolean}
 */
export function isRunning(pid) {
  return allProcesses().some((line) => line.pid === pid && !line.ended);
}

/**
 * Sends a signal to a process and everything below it. The process itself goes first for what stops or ends, so that it starts no more, and last for
 * SIGCONT, so that it finds its children awake.
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 * @returns {void}
 */
export function signalTree(pid, signal) {
  if (signal !== 'SIGCONT') send(pid, signal);
  for (const child of childrenOf(pid)) signalTree(child, signal);
  if (signal === 'SIGCONT') send(pid, signal);
}

/**
 * Ends a process and everything below it at once. Stopped first: what its parent's death would free is found all the same.
 * @param {number} pid
 * @returns {void}
 */
export function killTree(pid) {
  signalTree(pid, 'SIGSTOP');
  /** @type {number[]} */
  const tree = [];
  const collect = (/** @type {number} */ at) => {
    tree.push(at);
    for (const child of childrenOf(at)) collect(child);
  };
  collect(pid);
  for (const each of tree) send(each, 'SIGKILL');
}

/**
 * @param {number} pid
 * @returns {number[]}
 */
function childrenOf(pid) {
  return allProcesses()
    .filter((line) => line.parent === pid && !line.ended)
    .map((line) => line.pid);
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 * @returns {void}
 */
function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error; // it ended before
  }
}
