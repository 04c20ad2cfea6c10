import type { Bug } from './bug.ts';
import { runSeed } from './run-seed.ts';
import type { RunReport } from './run-seed.ts';
import { planOf } from './world/swarm.ts';
import type { Omissions } from './world/swarm.ts';
import type { Databases } from './world/world.ts';

/** Leaves out one thing after the other for as long as the same invariant still breaks: what is left is what it takes. */
export async function shrink(
  failed: RunReport,
  databases: Databases,
  makeBug: (() => Bug) | null,
  secondsMax: number,
): Promise<{ readonly without: Omissions; readonly report: RunReport }> {
  const { seed } = failed.plan;
  const invariant = failed.findings[0]?.invariant;
  const untilMs = performance.now() + secondsMax * 1_000;
  let best = failed;
  let without: Omissions = {};
  const attempt = async (more: Omissions): Promise<void> => {
    if (performance.now() > untilMs) return;
    const tried = merged(without, more);
    const report = await runSeed({ plan: planOf(seed, tried), databases, bug: makeBug?.() ?? null });
    if (report.findings[0]?.invariant !== invariant) return;
    without = tried;
    best = report;
  };
  for (const fault of failed.plan.faults) await attempt({ faults: [fault] });
  for (const size of failed.plan.tight) await attempt({ tight: [size] });
  await attempt({ storage: false });
  await attempt({ images: false });
  await attempt({ groups: 1 });
  await attempt({ tabsPerGroup: 1 });
  for (const part of [0.5, 0.7, 0.9]) await attempt({ activeMs: Math.round(best.plan.activeMs * part) });
  return { without, report: best };
}

const merged = (a: Omissions, b: Omissions): Omissions => ({
  ...a,
  ...b,
  faults: [...(a.faults ?? []), ...(b.faults ?? [])],
  tight: [...(a.tight ?? []), ...(b.tight ?? [])],
});
