import { parseArgs } from 'node:util';
import { BUGS } from './bugs.ts';
import type { Bug } from './bug.ts';
import { campaign } from './campaign.ts';
import { nativeDatabases, realDatabases } from './databases.ts';
import { runSeed } from './run-seed.ts';
import type { RunReport } from './run-seed.ts';
import { shrink } from './shrink.ts';
import { planOf } from './world/swarm.ts';
import type { FaultClass, Omissions, TightClass } from './world/swarm.ts';

const HELP = `npm run sim -- [options]

  --start N --seeds N   which seeds (1, 200)
  --seconds N           no new seed after so long (60)
  --seed N              this one only; with --trace every event of it; with --close every tab is inspected after every event
  --without a,b         leave out fault classes or tight sizes; groups=1, tabs=1, activeMs=5000 images=off, storage=off, access=off, reads=off, reads=on, relay=off, relay=on, restores=off and restores=on work, too
  --bug NAME            with a deliberate bug: ${BUGS.map((make) => make().name).join(', ')}
  --fast                tabs on the server's SQLite instead of sql.js
  --each                a line for every seed
  --shrink              after a failure, leave out what it does not take

Ends with 1 where something was found.`;

const { values: options } = parseArgs({
  options: {
    start: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    without: { type: 'string', default: '' },
    bug: { type: 'string' },
    trace: { type: 'boolean', default: false },
    close: { type: 'boolean', default: false },
    fast: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    each: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const databases = options.fast ? nativeDatabases() : await realDatabases();
const makeBug = bugOption(options.bug);
if (options.help) console.log(HELP);
else if (options.seed !== undefined) await one(options.seed);
else await many();

async function one(seed: string): Promise<void> {
  const plan = planOf(seed, omissionsOf(options.without));
  const report = await runSeed({
    plan,
    databases,
    bug: makeBug?.() ?? null,
    echo: options.trace ? (line) => console.log(line) : null,
    close: options.close,
  });
  console.log(`seed ${seed}: trace ${report.traceHash}, ${(report.simulatedMs / 1_000).toFixed(1)} s simulated`);
  console.log(counted(Object.entries(report.counts)));
  if (report.findings.length > 0) await failed(report);
}

async function many(): Promise<void> {
  const startedMs = performance.now();
  const { seeds, simulatedMs, counts, failure } = await campaign({
    start: Number(options.start),
    seeds: Number(options.seeds),
    secondsMax: Number(options.seconds),
    databases,
    makeBug,
    ...(options.without === ''
      ? {}
      : {
          storage: !options.without.includes('storage=off'),
          access: !options.without.includes('access=off'),
          ...(options.without.includes('reads=') ? { reads: options.without.includes('reads=on') } : {}),
          ...(options.without.includes('relay=') ? { relay: options.without.includes('relay=on') } : {}),
          ...(options.without.includes('restores=') ? { restores: options.without.includes('restores=on') } : {}),
        }),
    twiceEvery: 100,
    ...(options.each ? { onReport: tellShortly } : {}),
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(`${seeds} seeds from ${options.start} in ${seconds.toFixed(1)} s, ${(simulatedMs / 3_600_000).toFixed(2)} h simulated`);
  console.log(counted(counts));
  if (failure === null) return console.log('nothing was found');
  await failed(failure);
}

async function failed(report: RunReport): Promise<void> {
  process.exitCode = 1;
  tell(report);
  if (!options.shrink) return;
  const smaller = await shrink(report, databases, makeBug, 120);
  const { faults = [], tight = [], groups, tabsPerGroup, activeMs, images, storage } = smaller.without;
  const parts = [...faults, ...tight];
  if (groups !== undefined) parts.push(`groups=${groups}` as FaultClass);
  if (tabsPerGroup !== undefined) parts.push(`tabs=${tabsPerGroup}` as FaultClass);
  if (activeMs !== undefined) parts.push(`activeMs=${activeMs}` as FaultClass);
  if (storage === false) parts.push('storage=off' as FaultClass);
  if (images === false) parts.push('images=off' as FaultClass);
  console.log(`\nsmaller: npm run sim -- --seed ${report.plan.seed} --without ${parts.join(',')} --trace`);
  tell(smaller.report);
}

function tell(report: RunReport): void {
  const { plan, findings, lines, traceHash } = report;
  console.log(`\nSEED ${plan.seed}${options.bug === undefined ? '' : ` BUG ${options.bug}`}  trace ${traceHash}`);
  console.log(
    `faults: ${[...plan.faults].join(', ')}; tight: ${[...plan.tight].join(', ')}; ${plan.groups} groups of ${plan.tabsPerGroup} tabs, ${plan.activeMs} ms${plan.storage ? ', with storage' : ''}`,
  );
  console.log(`the last that happened:\n  ${lines.slice(-40).join('\n  ')}`);
  for (const { invariant, message, atMs } of findings) console.log(`FOUND ${invariant} at ${atMs.toFixed(0)} ms: ${message}`);
  console.log(`again: npm run sim -- --seed ${plan.seed}${options.bug === undefined ? '' : ` --bug ${options.bug}`} --trace`);
}

function tellShortly({ plan, counts, simulatedMs, traceHash }: RunReport): void {
  console.log(
    `seed ${plan.seed}: ${counts['steps']} steps, ${(simulatedMs / 1_000).toFixed(1)} s simulated, ${counts['versions']} versions, trace ${traceHash}`,
  );
}

function counted(counts: Iterable<readonly [string, number]>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}

function bugOption(name: string | undefined): (() => Bug) | null {
  if (name === undefined) return null;
  const make = BUGS.find((candidate) => candidate().name === name);
  if (make === undefined) {
    console.error(`no bug is called ${name}`);
    process.exit(2);
  }
  return make;
}

function omissionsOf(text: string): Omissions {
  const parts = text.split(',').filter((part) => part !== '');
  const number = (name: string): number | undefined => {
    const found = parts.find((part) => part.startsWith(`${name}=`));
    return found === undefined ? undefined : Number(found.slice(name.length + 1));
  };
  const [groups, tabsPerGroup, activeMs] = [number('groups'), number('tabs'), number('activeMs')];
  return {
    // Names that are no class leave nothing out.
    faults: parts as FaultClass[],
    tight: parts as TightClass[],
    ...(groups === undefined ? {} : { groups }),
    ...(tabsPerGroup === undefined ? {} : { tabsPerGroup }),
    ...(activeMs === undefined ? {} : { activeMs }),
    ...(parts.includes('storage=off') ? { storage: false as const } : {}),
    ...(parts.includes('access=off') ? { access: false as const } : {}),
    ...(parts.includes('reads=off') ? { reads: false } : {}),
    ...(parts.includes('reads=on') ? { reads: true } : {}),
    ...(parts.includes('relay=off') ? { relay: false } : {}),
    ...(parts.includes('relay=on') ? { relay: true } : {}),
    ...(parts.includes('restores=off') ? { restores: false } : {}),
    ...(parts.includes('restores=on') ? { restores: true } : {}),
    ...(parts.includes('images=off') ? { images: false as const } : {}),
  };
}
