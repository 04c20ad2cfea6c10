// npm run bench [-- NAME …] [--json] [--runs N]
import { fork } from 'node:child_process';
import { browserFlags } from '../../scripts/browser-flags.mjs';
import { readSetupRecord } from '../../scripts/setup-record.mjs';
import { bundleBenches } from './bundle.ts';

// Benches run as they would be installed: bundled for Node, without the loader that reads TypeScript, which costs each function made a call of its own.
const main = await bundleBenches();
const { browser } = readSetupRecord();
const env = {
  ...process.env,
  ...(browser === null ? {} : { BENCH_BROWSER: JSON.stringify({ executablePath: browser, args: browserFlags() }) }),
};
const child = fork(main, process.argv.slice(2), { execArgv: ['--expose-gc'], env });
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
