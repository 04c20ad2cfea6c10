import type { Bug } from './bug.ts';
import { runSeed } from './run-seed.ts';
import type { RunReport } from './run-seed.ts';
import { planOf } from './world/swarm.ts';
import type { Databases } from './world/world.ts';

export interface CampaignOptions {
  readonly start: number;
  readonly seeds: number;
  /** No new seed is begun after so long. */
  readonly secondsMax: number;
  readonly databases: Databases;
  readonly makeBug?: (() => Bug) | null;
  /** Every nth seed is run twice, and the two traces compared. */
  readonly twiceEvery: number;
  /** False: no tab keeps its room. */
  readonly storage?: boolean;
  /** False: everybody sees everything, for ever. */
  readonly access?: boolean;
  /** False: nobody reads on the server. True: in every run somebody does. */
  readonly reads?: boolean;
  /** False: no tab comes to a follower. True: in every run some do. */
  readonly relay?: boolean;
  /** False: nobody puts the room's whole folder back. True: in every run somebody does. */
  readonly restores?: boolean;
  onReport?(report: RunReport): void;
}

export interface CampaignReport {
  readonly seeds: number;
  readonly simulatedMs: number;
  readonly counts: ReadonlyMap<string, number>;
  /** The first run that found something, or that did not run the same way twice. */
  readonly failure: RunReport | null;
}

/** Runs seed after seed until one finds something, all are done or the time is up. */
export async function campaign(options: CampaignOptions): Promise<CampaignReport> {
  const untilMs = performance.now() + options.secondsMax * 1_000;
  const counts = new Map<string, number>();
  let simulatedMs = 0;
  let seeds = 0;
  for (let seed = options.start; seed < options.start + options.seeds && performance.now() < untilMs; seed += 1) {
    const report = await oneSeed(String(seed), options, (seed - options.start) % options.twiceEvery === 0);
    seeds += 1;
    simulatedMs += report.simulatedMs;
    for (const [name, count] of Object.entries(report.counts)) counts.set(name, (counts.get(name) ?? 0) + count);
    options.onReport?.(report);
    if (report.findings.length > 0) return { seeds, simulatedMs, counts, failure: report };
  }
  return { seeds, simulatedMs, counts, failure: null };
}

async function oneSeed(
  seed: string,
  { databases, makeBug, storage = true, access = true, reads, relay, restores }: CampaignOptions,
  twice: boolean,
): Promise<RunReport> {
  const run = (): Promise<RunReport> =>
    runSeed({
      plan: planOf(seed, {
        ...(storage ? {} : { storage }),
        ...(access ? {} : { access }),
        ...(reads === undefined ? {} : { reads }),
        ...(relay === undefined ? {} : { relay }),
        ...(restores === undefined ? {} : { restores }),
      }),
      databases,
      bug: makeBug?.() ?? null,
    });
  const report = await run();
  if (!twice || report.findings.length > 0) return report;
  const again = await run();
  if (again.traceHash === report.traceHash) return report;
  const message = `seed ${seed} ran differently the second time: ${report.traceHash}, then ${again.traceHash}`;
  return { ...report, findings: [{ invariant: 'determinism', message, atMs: report.simulatedMs }] };
}
