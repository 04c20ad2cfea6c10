import type { MutationHandle } from '../../packages/client/src/page/mutation-handle.ts';
import type { Prng } from '../fake/prng.ts';
import type { ValuesModel } from './check/values-model.ts';
import { ACCOUNTS } from './room/playground.ts';
import { NoteWork } from './note-work.ts';
import { FORBIDDEN_MARK } from './room/rights.ts';
import type { Tab } from './tab/tab.ts';

const LISTS = ['l1', 'l2', 'l3'] as const;
const FOLDERS = ['f1', 'f2', 'f3', 'f4'] as const;
const NAMES = ['n1', 'n2', 'n3'] as const;

type Action = (tab: Tab, random: Prng) => MutationHandle | null;

/** What apps do in this world: few hot rows, so that they get in each other's way. */
export class Workload {
  readonly #random: Prng;
  /** Draws what the newer release alone can do. */
  readonly #newer: Prng;
  readonly #notes: NoteWork | null;
  readonly #values: ValuesModel;
  readonly #actions: readonly (readonly [weight: number, action: Action])[];
  #count = 0;

  /** `hasRules`: something is done with rows that not everybody sees, too. */
  constructor(random: Prng, values: ValuesModel, hasRules: boolean) {
    this.#notes = hasRules ? new NoteWork(random.fork('notes')) : null;
    this.#random = random.fork('workload');
    this.#newer = random.fork('newer');
    this.#values = values;
    this.#actions = [...this.#appends(), ...this.#rows(), ...this.#states(), ...this.#valueActions()];
  }

  /** Does one thing in a tab; the mutation it called, if it did. */
  act(tab: Tab): MutationHandle | null {
    const { newerRoom } = tab;
    if (newerRoom !== null && this.#newer.chance(0.2))
      return newerRoom.mutate.appendMarked({
        list: this.#newer.pick(LISTS),
        value: this.#element(tab),
        label: `m${this.#newer.int(1, 3)}`,
      });
    const onNotes = this.#notes?.act(tab) ?? null;
    if (onNotes !== null) return onNotes;
    const total = this.#actions.reduce((sum, [weight]) => sum + weight, 0);
    let left = this.#random.float() * total;
    for (const [weight, action] of this.#actions) {
      left -= weight;
      if (left <= 0) return action(tab, this.#random);
    }
    return null;
  }

  #element(tab: Tab): string {
    this.#count += 1;
    return `${tab.name}-${this.#count}`;
  }

  #appends(): (readonly [number, Action])[] {
    return [
      [10, (tab, random) => tab.room.mutate.append({ list: random.pick(LISTS), value: this.#element(tab) })],
      [4, (tab, random) => tab.room.mutate.appendBoth({ lists: [random.pick(LISTS), random.pick(LISTS)], value: this.#element(tab) })],
      [3, (tab, random) => tab.room.mutate.appendRefused({ list: random.pick(LISTS), value: this.#element(tab) })],
      [1, (tab, random) => tab.room.mutate.append({ list: random.pick(LISTS), value: `${FORBIDDEN_MARK}${this.#element(tab)}` })],
      [0.5, (tab, random) => tab.room.mutate.flood({ list: random.pick(LISTS), value: this.#element(tab) })],
    ];
  }

  #rows(): (readonly [number, Action])[] {
    const two = (random: Prng): { from: string; to: string } => ({ from: random.pick(ACCOUNTS), to: random.pick(ACCOUNTS) });
    return [
      [5, (tab, random) => tab.room.mutate.transfer({ ...two(random), amount: random.int(1, 12) })],
      [2, (tab, random) => tab.room.mutate.spendAll({ ...two(random), amount: random.int(1, 20) })],
      [4, (tab, random) => tab.room.mutate.increment({ name: random.pick(['x', 'y', 'z']) })],
      [2, (tab, random) => tab.room.mutate.addFolder({ id: random.pick(FOLDERS), label: random.pick(['red', 'blue', 'F1']) })],
      [
        4,
        (tab, random) => tab.room.mutate.addFile({ id: `x${random.int(1, 9)}`, folderId: random.pick(FOLDERS), pages: random.int(0, 4) }),
      ],
      [1.5, (tab, random) => tab.room.mutate.renameFolder({ id: random.pick(FOLDERS), to: random.pick(FOLDERS) })],
      [1.5, (tab, random) => tab.room.mutate.swapLabels({ one: random.pick(FOLDERS), other: random.pick(FOLDERS) })],
      [1.5, (tab, random) => tab.room.mutate.removeFolder({ id: random.pick(FOLDERS) })],
      [0.5, (tab) => tab.room.mutate.clearPages()],
      [2, (tab, random) => tab.room.mutate.claimName({ name: random.pick(NAMES), owner: tab.name })],
      [2, (tab, random) => tab.room.mutate.takeName({ name: random.pick(NAMES), owner: random.pick([tab.name, 'o1', 'o2']) })],
      [1, (tab, random) => tab.room.mutate.dropName({ name: random.pick(NAMES), owner: tab.name })],
      [2, (tab, random) => tab.room.mutate.stamp({ id: `s${random.int(1, 4)}` })],
    ];
  }

  #states(): (readonly [number, Action])[] {
    const none =
      (act: (tab: Tab, random: Prng) => void): Action =>
      (tab, random) => {
        act(tab, random);
        return null;
      };
    return [
      [2, none((tab, random) => tab.room.presence.set({ name: tab.name, n: random.int(1, 1_000) }))],
      [2, none((tab, random) => tab.room.cursors.set({ x: random.int(0, 99), y: random.int(0, 99) }))],
      [1, none((tab, random) => tab.room.ephemeral('typing', random.pick(['a', 'b'])).set(random.chance(0.7) ? true : null))],
      [0.5, none((tab, random) => tab.room.hint(random.pick(['online', 'visible', 'offline', 'authChanged'])))],
    ];
  }

  #valueActions(): (readonly [number, Action])[] {
    const none =
      (act: (tab: Tab, random: Prng) => void): Action =>
      (tab, random) => {
        act(tab, random);
        return null;
      };
    return [
      [3, none((tab, random) => this.#values.set(tab, 'slider', random.pick(['left', 'right'])))],
      [1, none((tab) => this.#values.set(tab, 'note', ''))],
      [3, none((tab, random) => this.#values.add(tab, random.int(1, 3)))],
      [1, none((tab, random) => (random.chance(0.5) ? tab.room.value('slider', 'left') : tab.room.value('likes')).flush())],
    ];
  }
}
