import { describe, expect, it } from 'vitest';
import { BUGS } from './bugs.ts';
import { campaign } from './campaign.ts';
import { realDatabases } from './databases.ts';
import { runSeed } from './run-seed.ts';
import type { RunReport } from './run-seed.ts';
import { planOf } from './world/swarm.ts';

const databases = await realDatabases();

/** A starved machine takes ten times as long; what is looked at is the same. */
const SECONDS_MAX = 100;

/** How a failure reads in a test's output: what was found, and how to see it again. */
const told = (report: RunReport | null): string[] =>
  report === null || report.findings.length === 0
    ? []
    : [
        `npm run sim -- --seed ${report.plan.seed} --trace`,
        ...report.findings.map(({ invariant, atMs, message }) => `${invariant} at ${atMs.toFixed(0)} ms: ${message}`),
      ];

describe('simulation', () => {
  it('[RM-4][RM-7][RM-8][CS-1][RB-1][OB-13][QR-10][EP-14] seeds from 1: nothing breaks, nobody is stuck, and a seed runs the same twice', async () => {
    const report = await campaign({ start: 1, seeds: 8, secondsMax: SECONDS_MAX, databases, twiceEvery: 100 });
    expect(told(report.failure)).toEqual([]);
    expect(report.seeds).toBe(8);
    // Something was looked at: a check that compares nothing finds nothing.
    for (const name of ['replicasCompared', 'queriesCompared', 'mutations applied', 'versions'])
      expect(report.counts.get(name)).toBeGreaterThan(0);
  });

  it('[FO-10][FO-11][FO-14][FO-15][FO-19][FO-24] tabs at followers, seeds from 1: nothing breaks, nobody is stuck', async () => {
    const report = await campaign({ start: 1, seeds: 5, secondsMax: SECONDS_MAX, databases, reads: false, relay: true, twiceEvery: 100 });
    expect(told(report.failure)).toEqual([]);
    expect(report.seeds).toBe(5);
    for (const name of ['told by followers welcome', 'told by followers commit', 'told by followers results', 'told by followers presence'])
      expect(report.counts.get(name)).toBeGreaterThan(0);
  });

  it('[CN-14][CN-20][ST-71] rooms whose whole folder is put back, seeds from 1: who showed what they lost is told, nothing breaks', async () => {
    const report = await campaign({
      start: 1,
      seeds: 8,
      secondsMax: SECONDS_MAX,
      databases,
      reads: false,
      relay: false,
      restores: true,
      twiceEvery: 100,
    });
    expect(told(report.failure)).toEqual([]);
    expect(report.seeds).toBe(8);
    for (const name of ['tailsLost', 'pagesThatSawOne']) expect(report.counts.get(name)).toBeGreaterThan(0);
  });

  /** Seeds that found something once; what it was stands beside them. */
  const PINNED = [
    ['4', 'a push that waited out a refusal spun the worker while the window was full'],
    ['12', 'commits that arrived with the rows of a snapshot were applied on the older replica'],
    ['23', 'a rejection was kept for ever where the worker that heard it was replaced'],
    ['2', 'a value set while its worker was dying was lost'],
    ['509', 'a client that a session had adopted was forgotten while its mutations waited, and done twice'],
    ['500', 'a client of a history that lost its tail was taken for a new one, and done twice'],
    ['746', 'a hello that came late on an older socket ended its own tab for good'],
    ['40003', 'a tab that had seen a higher version of a history that is gone stayed `cached` after a damaged image'],
    ['114', 'a late refusal stopped a client behind a settled mutation for ever'],
  ] as const;
  it.each(PINNED)('seed %s: %s', async (seed) => {
    expect(
      told(
        await runSeed({ plan: planOf(seed, { storage: false, access: false, reads: false, relay: false, restores: false }), databases }),
      ),
    ).toEqual([]);
  });

  /** As above, where tabs come to followers. */
  const PINNED_RELAYED = [
    ['20', 'a tab resumed at a follower from before the log of the primary, which could not tell what was settled since'],
    ['42', 'a tab at a follower had an image from before its welcome, and heard of no result in between'],
  ] as const;
  it.each(PINNED_RELAYED)('seed %s, at followers: %s', async (seed) => {
    expect(told(await runSeed({ plan: planOf(seed, { reads: false, relay: true }), databases }))).toEqual([]);
  });

  /** As above, with all there is. */
  const PINNED_WHOLE = [
    ['121', {}, 'a client that was given up left a full disk, and what was to be listed of it did not come there'],
    ['12032', { relay: true }, 'a tab that slept while its room was forgotten told one that was loaded since what it had pending'],
  ] as const;
  it.each(PINNED_WHOLE)('seed %s with %o: %s', async (seed, omissions) => {
    expect(told(await runSeed({ plan: planOf(seed, { ...omissions, restores: false }), databases }))).toEqual([]);
  });

  /** As above, where tabs keep their rooms. */
  const PINNED_KEPT = [
    ['27', 'a worker that was replaced took rejections with it that the disk did not have'],
    ['86', 'a client that its tab had ended was taken over from what another one still showed'],
    ['285', 'a rejection that only the page knew was told `applied` to whoever took its mutation over'],
    ['114', 'what the worker of a closed page wrote after its client was taken over stayed on the disk'],
    ['367', 'as 114, shown by other tabs for ever'],
    ['279', 'a row came and went in a range that was kept behind a part of it, and stayed'],
  ] as const;
  it.each(PINNED_KEPT)('seed %s, kept: %s', async (seed) => {
    expect(told(await runSeed({ plan: planOf(seed, { access: false, reads: false, relay: false, restores: false }), databases }))).toEqual(
      [],
    );
  });
});

describe('deliberate bugs', () => {
  /** Where the search begins, so that it is short; each bug is found from any seed on, some after more of them. */
  const STARTS: Readonly<Record<string, number>> = {
    'gate-out-of-order': 2,
    'stored-told-early': 25,
    'outbox-row-lost': 12,
    'counter-twice': 11,
    'rejection-forgotten': 7,
    'shown-forgotten': 84,
    'shown-not-said': 6,
    'forgets-unlooked': 27,
    'forgotten-begun-anew': 29,
    'schema-not-named': 21,
    'replace-tells-keys': 10,
    'classes-too-coarse': 11,
    'image-before-is-sent': 12,
    'expired-claims-push': 1050,
    'version-dropped-on-fail-over': 3,
    'version-from-outside': 6,
    'history-ignored': 6,
    'record-half-taken': 4,
    'watermark-before-rows': 4,
    'read-keeps-its-class': 22,
    'results-not-held': 4,
    'stream-ahead-of-snapshot': 3,
    'rules-not-in-catch-up': 4,
    'claims-of-another': 6,
    'push-of-another': 5,
    'welcomed-behind': 7,
    'leavers-untold': 4,
    'fresh-claims-untold': 57,
    'fresh-copy-untold': 6,
    ghosts: 4,
    'deletes-lost': 4,
    'ack-before-durable': 6,
    'tail-over-gap': 2,
    'rejection-not-kept': 4,
    'adoption-without-lock': 2,
    'dismissal-not-written': 2,
    'kept-shown-twice': 2,
    'renewal-without-view': 2,
  };
  const SEEDS_MAX = 30;

  it.each(BUGS.map((make) => [make().name, make().what, make] as const))('%s is noticed: %s', async (name, _, makeBug) => {
    const { failure, seeds } = await campaign({
      start: STARTS[name] ?? 1,
      seeds: SEEDS_MAX,
      secondsMax: SECONDS_MAX,
      databases,
      makeBug,
      storage: makeBug().needsStorage === true,
      access: makeBug().needsAccess === true,
      reads: makeBug().needsReads === true,
      relay: makeBug().needsRelay === true,
      restores: makeBug().needsRestores === true,
      twiceEvery: 1_000,
    });
    expect(failure, `${name} was not noticed in ${seeds} seeds`).not.toBeNull();
    // A room that will not open a file older than what was told of it has noticed the bug itself; nothing else may break the run.
    const crashes = failure?.findings.filter(({ invariant, message }) => invariant === 'crash' && !message.includes('recorded is version'));
    expect(crashes).toEqual([]);
  });
});
