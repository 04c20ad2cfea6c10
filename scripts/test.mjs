// Everything that has to pass, in the order of cost, and one line with the sum at the end.
//   node scripts/test.mjs            check, then the end-to-end tests on the built demo
//   node scripts/test.mjs --check    format, lint, types, tidy, unit, contract, short simulation: all that is needed before a commit
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { installHint } from './find-browser.mjs';
import { root, runNode } from './run-command.mjs';
import { readSetupRecord } from './setup-record.mjs';
import { allSkipped, judge, nothing, playwrightTally, sum, summaryLine, vitestTally } from './tally.mjs';

/** @typedef {import('./tally.mjs').Tally} Tally */

const noBrowser = `no browser; to install one: ${installHint}`;
const checkOnly = process.argv.includes('--check');
mkdirSync(join(root, '.cache'), { recursive: true });

const stages = [format, lint, types, vitest, ...(checkOnly ? [] : [endToEnd])];
/** @type {Tally[]} */
const tallies = [];
for (const stage of stages) {
  const startedMs = Date.now();
  console.log(`\n── ${stage.name}`);
  tallies.push(await stage());
  console.log(`── ${stage.name}: ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
}
const total = sum(tallies);
report('skipped', total.skipped);
report('failed', total.failed);
console.log(`\n${summaryLine(total)}`);
process.exitCode = total.failed.length === 0 ? 0 : 1;

async function format() {
  return command('format', ['node_modules/@biomejs/biome/bin/biome', 'format', '.'], { hint: 'npm run format mends it' });
}

async function lint() {
  // It takes CI for a terminal with colours, whatever NO_COLOR says.
  const env = process.env['CI'] === 'true' ? { CI: undefined } : {};
  return command('lint', ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'], { env });
}

/** One run of the compiler for each tsconfig: `tsconfig.json` has a package with its tests, `tsconfig.inner.json` only what may not see Node. */
async function types() {
  const configs = ['packages', 'examples'].flatMap(configsUnder).concat(['test/tsconfig.json', 'scripts/tsconfig.json']);
  /** @type {Tally[]} */
  const results = [];
  const waiting = [...configs];
  const work = async () => {
    for (let config = waiting.shift(); config !== undefined; config = waiting.shift()) {
      const buildInfo = join('.cache', 'types', `${config.replaceAll('/', '-')}.tsbuildinfo`);
      const { code, output } = await runNode(
        ['node_modules/typescript-7/bin/tsc', '-p', config, '--incremental', '--tsBuildInfoFile', buildInfo],
        {
          capture: true,
        },
      );
      // TS18003: the folder holds nothing yet.
      const passed = code === 0 || /^error TS18003/m.test(output);
      if (!passed) console.log(output.trimEnd());
      results.push(passed ? { ...nothing, passed: 1 } : { ...nothing, failed: [`types: ${config}`] });
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
  return sum(results);
}

async function vitest() {
  const file = join(root, '.cache', 'vitest.json');
  rmSync(file, { force: true });
  const { code } = await runNode([
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  const tally = judge('vitest', readReport(file, vitestTally), code);
  return readSetupRecord().browser === null ? sum([tally, { ...nothing, skipped: browserTestNames() }]) : tally;
}

/** The tests that vitest leaves out where there is no browser. Their names are literals: tidy's rules and readers count on that, too. */
function browserTestNames() {
  return readdirSync(join(root, 'packages'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.browser\.test\.tsx?$/.test(path) && !path.includes('node_modules'))
    .flatMap((path) => {
      const text = readFileSync(join(root, 'packages', path), 'utf8');
      return [...text.matchAll(/^\s*(?:test|it)(?:\.\w+)*\(\s*(['"`])(.+?)\1/gm)].map(([, , name]) => `${path} › ${name} (${noBrowser})`);
    });
}

async function endToEnd() {
  if (!(await build())) return { ...nothing, failed: ['build'] };
  const playwright = ['node_modules/@playwright/test/cli.js', 'test', '--config', 'test/e2e/playwright.config.ts'];
  const file = join(root, '.cache', 'playwright.json');
  rmSync(file, { force: true });
  if (readSetupRecord().browser === null) {
    const { code } = await runNode([...playwright, '--list', '--reporter=json'], {
      capture: true,
      env: { PLAYWRIGHT_JSON_OUTPUT_FILE: file },
    });
    return judge(
      'playwright',
      readReport(file, (listing) => allSkipped(listing, noBrowser)),
      code,
    );
  }
  const { code } = await runNode(playwright, { env: { PLAYWRIGHT_JSON_OUTPUT_FILE: file } });
  return judge('playwright', readReport(file, playwrightTally), code);
}

/**
 * A command that passes or fails as a whole.
 *
 * @param {string} name
 * @param {readonly string[]} args
 * @param {{ hint?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<Tally>}
 */
async function command(name, args, { hint, env = {} } = {}) {
  const { code } = await runNode(args, { env });
  if (code === 0) return { ...nothing, passed: 1 };
  return { ...nothing, failed: [`${name}: ended with code ${code}${hint === undefined ? '' : `; ${hint}`}`] };
}

/** @param {string} parent */
function configsUnder(parent) {
  if (!existsSync(join(root, parent))) return [];
  return readdirSync(join(root, parent)).flatMap((folder) =>
    readdirSync(join(root, parent, folder))
      .filter((name) => /^tsconfig.*\.json$/.test(name))
      .map((name) => `${parent}/${folder}/${name}`),
  );
}

/**
 * @template Report
 * @param {string} file
 * @param {(report: Report) => Tally} read
 * @returns {Tally | null} null where the runner wrote no report
 */
function readReport(file, read) {
  if (!existsSync(file)) return null;
  try {
    return read(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    console.error(`${file} cannot be read:`, error);
    return null;
  }
}

/**
 * @param {string} what
 * @param {readonly string[]} names
 */
function report(what, names) {
  if (names.length > 0) console.log(`\n${what}:\n${names.map((name) => `  ${name}`).join('\n')}`);
}
