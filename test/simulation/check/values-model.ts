import type { Json } from '@alcove/core/json';
import type { Dump } from '../oracle/dump.ts';
import type { Tab } from '../tab/tab.ts';
import type { Findings } from '../world/findings.ts';

interface Set {
  readonly tab: Tab;
  readonly value: Json;
  /** Values that were seen to be written before this one was set: it replaces them. */
  readonly replaces: ReadonlySet<Json>;
}

/**
 * What debounced values may have come to: the last value set by one of those who set it, and never one that was known to be written before another was set. A
 * counter holds all that living tabs added, and of dead ones at most what they added.
 */
export class ValuesModel {
  readonly #findings: Findings;
  readonly #sets = new Map<string, Set[]>();
  readonly #written = new Map<string, globalThis.Set<Json>>();
  readonly #added = new Map<Tab, number>();
  #perhapsTwice = 0;
  #count = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  set(tab: Tab, name: 'slider' | 'note', key: string): void {
    this.#count += 1;
    const value = name === 'slider' ? this.#count : `${tab.name}:${this.#count}`;
    const id = idOf(name, key);
    this.#sets.set(id, [...(this.#sets.get(id) ?? []), { tab, value, replaces: new Set(this.#written.get(id)) }]);
    if (name === 'slider') tab.room.value('slider', key).set(this.#count);
    else tab.room.value('note', key).set(`${tab.name}:${this.#count}`);
  }

  add(tab: Tab, delta: number): void {
    this.#added.set(tab, (this.#added.get(tab) ?? 0) + delta);
    tab.room.value('likes', '').add(delta);
  }

  /** The room forgot a client of the tab: what was not known to be written is added under another, and may have been written after all. */
  forgotten(tab: Tab): void {
    this.#perhapsTwice += this.#added.get(tab) ?? 0;
  }

  /** Looks at what a tab says of its own sets: one that is not pending any more was written. */
  observe(tab: Tab): void {
    for (const [id, sets] of this.#sets) {
      const own = sets.findLast((set) => set.tab === tab);
      if (own === undefined) continue;
      const [name, key] = JSON.parse(id) as ['slider' | 'note', string]; // made by idOf
      const { value, pending, error } = tab.room.value(name, key).getSnapshot();
      if (pending || error !== undefined || value !== own.value) continue;
      const written = this.#written.get(id) ?? new Set<Json>();
      written.add(own.value);
      this.#written.set(id, written);
    }
  }

  /** At the end. `tailLost`: what was seen to be written may have been lost again. */
  judge(room: Dump, tailLost: boolean): void {
    const rows = new Map(
      (room.get('alcove_values') ?? []).map((row) => {
        const [name, key, value] = JSON.parse(row) as [string, string, string]; // a row of alcove_values as text
        return [JSON.stringify([name, key]), JSON.parse(value) as Json];
      }),
    );
    for (const [id, sets] of this.#sets) this.#judgeValue(id, sets, rows.get(id), tailLost);
    const sure = [...this.#added].filter(([tab]) => tab.state === 'live').reduce((sum, [, added]) => sum + added, 0);
    const all = [...this.#added.values()].reduce((sum, added) => sum + added, this.#perhapsTwice);
    const total = Number(rows.get(idOf('likes', '')) ?? 0);
    this.#findings.check(
      (total >= sure || tailLost) && total <= all,
      'I20',
      () => `the counter has ${total}; living tabs added ${sure}, all tabs at most ${all}`,
    );
  }

  #judgeValue(id: string, sets: readonly Set[], found: Json | undefined, tailLost: boolean): void {
    const lasting = sets.filter(({ tab }) => tab.state === 'live');
    if (found === undefined) {
      this.#findings.check(
        lasting.length === 0 || tailLost,
        'I20',
        () => `${id} was set ${sets.length} times, by tabs that live, and has no row`,
      );
      return;
    }
    const set = sets.find(({ value }) => value === found);
    if (set === undefined) return this.#findings.report('I20', `${id} holds ${JSON.stringify(found)}, which nobody set`);
    if (tailLost) return;
    const later = sets.slice(sets.indexOf(set) + 1);
    const own = later.find(({ tab }) => tab === set.tab && tab.state === 'live');
    this.#findings.check(
      own === undefined,
      'I20',
      () => `${id} holds ${JSON.stringify(found)}, and ${set.tab.name} set ${JSON.stringify(own?.value ?? null)} later`,
    );
    const after = later.find(({ tab, replaces }) => tab.state === 'live' && replaces.has(found));
    this.#findings.check(
      after === undefined,
      'I20',
      () => `${id} holds ${JSON.stringify(found)}, which was written before ${after?.tab.name} set ${JSON.stringify(after?.value ?? null)}`,
    );
  }
}

const idOf = (name: string, key: string): string => JSON.stringify([name, key]);
