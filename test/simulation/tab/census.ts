import type { Mutation } from '@alcove/core/mutation/mutation';
import type { TrackedMutation } from '../../../packages/client/src/page/mutation-handle.ts';
import type { MutationHandle } from '../../../packages/client/src/page/mutation-handle.ts';
import type { SimBrowser } from '../browser/sim-browser.ts';
import type { History } from '../oracle/history.ts';
import type { Registry } from '../oracle/registry.ts';
import type { Findings } from '../world/findings.ts';
import type { Tab } from './tab.ts';

/** One call of a mutator by the app of a tab. */
interface Entry {
  readonly tab: string;
  /** Where it is kept; null: in the tab's memory. */
  readonly browser: SimBrowser | null;
  readonly handle: MutationHandle;
  readonly seed: string;
  readonly calledAtMs: number;
  /** Place in the history of the newest mutation that was durable at the call: this one comes later. */
  readonly afterPlace: number;
  /** How often its promises settled. */
  local: number;
  confirmed: number;
  /** When it was told to be on the disk; infinite: it was not. */
  savedAtMs: number;
}

/** Every mutation that any app called, and what became of it: each promise settles once, says what the log says, and no effect is there twice. */
export class Census {
  readonly #history: History;
  readonly #registry: Registry;
  readonly #findings: Findings;
  readonly #entries: Entry[] = [];
  readonly #stored = new Set<string>();
  /** Seeds of what was given up with a word. */
  readonly #dropped = new Set<string>();
  readonly #now: () => number;

  constructor(history: History, registry: Registry, findings: Findings, now: () => number) {
    this.#now = now;
    this.#history = history;
    this.#registry = registry;
    this.#findings = findings;
  }

  get calls(): number {
    return this.#entries.length;
  }

  /** It was told to be on the disk while it was pending. */
  stored({ clientId, mutationId }: Mutation): void {
    this.#stored.add(`${clientId} ${mutationId}`);
  }

  wasStored(clientId: string, mutationId: number): boolean {
    return this.#stored.has(`${clientId} ${mutationId}`);
  }

  /** Nothing more comes of them, and somebody was told. */
  dropped(mutations: readonly Mutation[]): void {
    for (const { seed } of mutations) this.#dropped.add(seed);
  }

  add({ name: tab, group: { browser } }: Tab, handle: MutationHandle, calledAtMs: number): void {
    // Its class is the page's own; the seed is what follows a mutation through all its names.
    const { seed } = handle as TrackedMutation;
    const afterPlace = this.#history.durablePlace;
    const entry: Entry = { tab, browser, handle, seed, calledAtMs, afterPlace, local: 0, confirmed: 0, savedAtMs: Infinity };
    this.#entries.push(entry);
    const count = (of: 'local' | 'confirmed') => (): void => {
      entry[of] += 1;
      this.#findings.check(entry[of] === 1, 'I18', () => `${of} of ${nameOf(entry)} settled ${entry[of]} times`);
    };
    const saved = (): void => {
      entry.savedAtMs = this.#now();
    };
    handle.local.then(saved, () => undefined);
    handle.local.then(count('local'), count('local'));
    handle.confirmed.then(count('confirmed'), count('confirmed'));
  }

  /** How many calls of living tabs wait for their fate. */
  open(isLive: (tab: string) => boolean): number {
    return this.#entries.filter(({ tab, handle }) => isLive(tab) && (handle.status === 'waiting' || handle.status === 'pending')).length;
  }

  /** Of what a tab called and did not see rejected. */
  seedsOf(name: string): string[] {
    return this.#entries
      .filter(({ tab, handle }) => tab === name && handle.status !== 'rejected' && handle.status !== 'failed')
      .map(({ seed }) => seed);
  }

  countBy(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { handle } of this.#entries) counts[handle.status] = (counts[handle.status] ?? 0) + 1;
    return counts;
  }

  /** At the end, when everything that can settle has. */
  judge(isLive: (tab: string) => boolean): void {
    for (const entry of this.#entries) this.#judge(entry, isLive(entry.tab));
  }

  #judge(entry: Entry, live: boolean): void {
    const fates = this.#registry
      .namesOf(entry.seed)
      .flatMap(({ clientId, mutationId }) => this.#history.fateOf(clientId, mutationId) ?? []);
    const lost = this.#registry.namesOf(entry.seed).some(({ clientId, mutationId }) => this.#history.wasLost(clientId, mutationId));
    const applied = fates.filter(({ rejected }) => rejected === null);
    this.#findings.check(
      applied.length <= 1 || this.#registry.namesOf(entry.seed).some(({ clientId }) => this.#history.isUnknowable(clientId)),
      'I2',
      () => `${nameOf(entry)} took effect ${applied.length} times, at versions ${applied.map(({ version }) => version).join(', ')}`,
    );
    for (const { place } of fates) {
      this.#findings.check(
        place > entry.afterPlace,
        'I10',
        () => `${nameOf(entry)} stands at place ${place}, before what was durable at its call (${entry.afterPlace})`,
      );
    }
    this.#findings.check(
      !isPromised(entry) || fates.length > 0 || lost || this.#dropped.has(entry.seed),
      'I23',
      () => `${nameOf(entry)} was told to be on the disk, and nothing came of it`,
    );
    const { status } = entry.handle;
    // Done once more, it may have ended in another way.
    if (this.#registry.namesOf(entry.seed).some(({ clientId }) => this.#history.isUnknowable(clientId))) return;
    const fate = fates[0];
    switch (status) {
      case 'applied':
        return this.#findings.check(
          fate?.rejected === null || lost,
          'I1',
          () => `${nameOf(entry)} was confirmed, and the log says ${fate?.rejected?.code ?? 'nothing of it'}`,
        );
      case 'rejected':
        return this.#findings.check(
          // By a history that lost it; after that it may have been pushed once more, by whoever had it from the disk.
          lost || (fate !== undefined && fate.rejected !== null),
          'I1',
          () => `${nameOf(entry)} was rejected, and the log ${fate === undefined ? 'says nothing of it' : 'applied it'}`,
        );
      case 'lost':
        return this.#findings.check(lost, 'I1', () => `${nameOf(entry)} was told to be lost, and the room still has it`);
      case 'failed':
        return this.#findings.check(applied.length === 0, 'I2', () => `${nameOf(entry)} failed in the tab, and the log applied it`);
      case 'waiting':
      case 'pending':
        return this.#findings.check(
          !live,
          'I18',
          () =>
            `${nameOf(entry)} never heard its fate; the log says ${fate === undefined ? 'nothing of it' : (fate.rejected?.code ?? 'applied')}`,
        );
      case 'unknown':
        return;
    }
  }
}

/** It was told to be on the disk, and neither a fault nor its user took it from there; of what was being forgotten meanwhile its caller may have been told so. */
function isPromised({ handle, browser, calledAtMs, savedAtMs }: Entry): boolean {
  if (savedAtMs === Infinity || browser === null || calledAtMs <= browser.harmedAtMs) return false;
  if (browser.forgets.mayHaveTaken(calledAtMs, savedAtMs)) return false;
  return (handle as TrackedMutation).error?.code !== 'forgotten'; // as above
}

const nameOf = ({ tab, handle, calledAtMs }: Entry): string =>
  `${handle.name} ${JSON.stringify(handle.args)} of ${tab} at ${calledAtMs.toFixed(0)} ms (${handle.status})`;
