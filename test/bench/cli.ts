// npm run bench [-- NAME …] [--json] [--runs N]
import { fork } from 'node:child_process';
import { bundleBenches } from './bundle.ts';

// Benches run as they would be installed: bundled for Node, without the loader that reads TypeScript, which costs a named function a call of its own.
const main = await bundleBenches();
const child = fork(main, process.argv.slice(2), {
  execArgv: ['--expose-gc', ...process.execArgv.filter((arg) => arg.startsWith('--cpu-prof'))],
});
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
