import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Absolute path of the checkout, with a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {object} CommandResult
 * @property {number} code the exit code; 1 where a signal or the time limit ended it, 127 where it did not start
 * @property {string} output standard output and standard error, in order; empty unless captured
 */

/**
 * Runs a program to its end in the root of the checkout, without standard input. Never rejects.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ capture?: boolean, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options] `capture` keeps the output from the terminal and returns it
 * @returns {Promise<CommandResult>}
 */
export function runCommand(command, args, options = {}) {
  const { capture = false, env = {}, timeoutMs } = options;
  return new Promise((resolve) => {
    const child = spawn(command, [...args], {
      cwd: root,
      env: { ...inheritedEnv(), ...env },
      stdio: ['ignore', capture ? 'pipe' : 'inherit', capture ? 'pipe' : 'inherit'],
      // npm and npx are .cmd files on Windows, which only a shell starts.
      shell: process.platform === 'win32' && !command.endsWith('.exe') && command !== process.execPath,
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' }),
    });
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString('utf8') }));
  });
}

/**
 * Runs a JavaScript file with the Node that runs this one.
 *
 * @param {readonly string[]} args
 * @param {Parameters<typeof runCommand>[2]} [options]
 */
export function runNode(args, options) {
  return runCommand(process.execPath, args, options);
}

/**
 * Our own environment without the log level of the npm that started us: `npm --silent` must not silence an install that fails. Without colours where nobody
 * sees them: several programs take CI=true for a terminal, and a log would be full of escape sequences.
 */
function inheritedEnv() {
  const env = { ...process.env };
  delete env['npm_config_loglevel'];
  if (env['CI'] !== 'true' && process.stdout.isTTY) return env;
  delete env['FORCE_COLOR'];
  return { ...env, NO_COLOR: '1' };
}
