// Kills pages, workers and browsers in the middle of their work, many times, and writes what came of it to docs/KILLS.md.
//   node scripts/kills.mjs [runs] [first seed]
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runNode } from './run-command.mjs';

/** @typedef {{ seed: number, step: string, death: string, calls: number, stored: number }} KillRun */

const [runs = '200', first = '0'] = process.argv.slice(2);
const file = join(root, '.cache', 'kills.json');
mkdirSync(join(root, '.cache'), { recursive: true });
rmSync(file, { force: true });
const startedMs = Date.now();
const { code } = await runNode(
  [
    'node_modules/@playwright/test/cli.js',
    'test',
    '--config',
    'test/e2e/playwright.config.ts',
    'storage-kills',
    '--reporter=list',
    '--trace=off',
    '--output=.cache/kills',
  ],
  { env: { ALCOVE_KILLS: runs, ALCOVE_KILLS_FROM: first, ALCOVE_KILLS_RECORD: file } },
);
process.exitCode = code;
if (code === 0) {
  /** @type {KillRun[]} */
  const record = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(join(root, 'docs', 'KILLS.md'), page(record, (Date.now() - startedMs) / 60_000));
  console.log('written to docs/KILLS.md');
}

/**
 * @param {readonly KillRun[]} record
 * @param {number} minutes
 */
function page(record, minutes) {
  const deaths = ['page', 'worker', 'browser'];
  const steps = [...new Set(record.map(({ step }) => step))];
  const rows = steps.map(
    (step) => `| ${step} | ${deaths.map((death) => cell(record.filter((run) => run.step === step && run.death === death))).join(' | ')} |`,
  );
  const sum = (/** @type {'calls' | 'stored'} */ what) => record.reduce((total, run) => total + run[what], 0);
  return `# Deaths in the middle of work

\`npm run kills\` opens rooms in a real Chromium over a profile on the disk, against a real server, and ends one of these at
a named step: the process of a page, the thread of its worker, or the browser's main process (SIGKILL). Then another page
goes on. Every call whose \`local\` had resolved has to be in the room by exactly one run, or listed as rejected; every other call
at most once; and the page has to show what the room holds. This page is written by the command, and only where all runs held.

Steps: \`write\` right after the calls, in half of the runs when the device has the first of them · \`persist\` while the device takes them · \`push\` when they are on their way and the room has none ·
\`ack\` when the device has all, the room some, and its word is on its way · \`settle\` when the page hears it · \`adopt\` when another page has taken over what a dead one left.

Last run: ${record.length} deaths (seeds ${record[0]?.seed} to ${record.at(-1)?.seed}), ${sum('calls')} calls of which the device had ${sum('stored')} at the moment of
death, ${minutes.toFixed(1)} minutes. None was lost, none took effect twice.

| step | page | worker | browser |
|---|---|---|---|
${rows.join('\n')}

Cells: deaths, and in brackets the calls that the device had of those made.
`;
}

/** @param {readonly KillRun[]} runs */
function cell(runs) {
  const sum = (/** @type {'calls' | 'stored'} */ what) => runs.reduce((total, run) => total + run[what], 0);
  return `${runs.length} (${sum('stored')} of ${sum('calls')})`;
}
