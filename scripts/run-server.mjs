import { spawn } from 'node:child_process';
import { root } from './run-command.mjs';

/**
 * Runs a server in the foreground until it ends or we are told to. A signal to us goes on to the server, so that it drains.
 *
 * @param {readonly string[]} args arguments for Node
 */
export function runServer(args) {
  const child = spawn(process.execPath, [...args], { cwd: root, stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    // Ctrl-C reaches the whole process group by itself; a second SIGINT would cut the drain short.
    process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  }
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128);
  });
}
