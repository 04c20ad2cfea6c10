import { writeFileSync } from 'node:fs';
import { expect, test } from './notebook/notebook-test.ts';
import { type KillRun, killRun } from './notebook/kill-run.ts';

/** `npm run kills` asks for more of them. */
const RUNS = Number(process.env['ALCOVE_KILLS'] ?? 20);
const FIRST_SEED = Number(process.env['ALCOVE_KILLS_FROM'] ?? 0);
/** File for what the runs were. */
const RECORD = process.env['ALCOVE_KILLS_RECORD'];
const RUN_TIMEOUT_MS = 15_000;

test(`what the device had is in the room once after ${RUNS} deaths of pages, workers and browsers`, async ({ notebook }) => {
  test.setTimeout(60_000 + RUNS * RUN_TIMEOUT_MS);
  const runs: KillRun[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1)
    await test.step(`seed ${seed}`, async () => {
      runs.push(await killRun(notebook, seed));
    });
  expect(runs).toHaveLength(RUNS);
  if (RECORD !== undefined) writeFileSync(RECORD, JSON.stringify(runs));
});
