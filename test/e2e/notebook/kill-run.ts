import type { Page } from '@playwright/test';
import { Prng } from '../../fake/prng.ts';
import { condition } from './condition.ts';
import { crash } from './kept-browser.ts';
import { expect, idsOf, type Notebook, shown } from './notebook-test.ts';

/** Where a run is when something dies. */
const STEPS = ['write', 'persist', 'push', 'ack', 'settle', 'adopt'] as const;
type Step = (typeof STEPS)[number];

/** What dies: a page's process, the thread of its worker, or the whole browser. */
const DEATHS = ['page', 'worker', 'browser'] as const;
type Death = (typeof DEATHS)[number];

export interface KillRun {
  readonly seed: number;
  readonly step: Step;
  readonly death: Death;
  readonly calls: number;
  /** Of them the device had so many when it died. */
  readonly stored: number;
}

/** How long a worker may be silent, in ms: its end shows by nothing else. */
const BUDGET_MS = 1_000;

/** One room from an empty start to its end, with one death in it; the same seed does the same, but for the moment inside the step. */
export async function killRun(notebook: Notebook, seed: number): Promise<KillRun> {
  const random = new Prng(seed);
  const step = STEPS[seed % STEPS.length] ?? 'write';
  const death = DEATHS[Math.floor(seed / STEPS.length) % DEATHS.length] ?? 'page';
  const room = `kill-${seed}`;
  const ids = Array.from({ length: random.int(1, 80) }, (_, index) => `${room}-${index}`);
  const forbidden = Array.from({ length: random.int(0, 3) }, (_, index) => `${room}-forbidden-${index}`);
  const page = await notebook.openCurrent(room, { budgetMs: BUDGET_MS });
  const all = [...ids, ...forbidden];
  const call = (from = 0, to = all.length): Promise<void> =>
    page.evaluate(
      ([calls, refused]) => {
        globalThis.notebook.add(calls);
        globalThis.notebook.add(refused, '', 'addForbidden');
      },
      [all.slice(from, Math.min(to, ids.length)), all.slice(Math.max(from, ids.length), to)] as const,
    );
  const storedCount = (): number => all.filter((id) => notebook.told.get(id) === 'stored').length;
  const victim = await reach({ notebook, step, room, page, all, call, storedCount, random });
  const stored = storedCount();
  await die(notebook, victim, death, random.chance(0.5));
  await expectAllOnce(notebook, room, death === 'worker' ? victim : await notebook.open(room), all);
  await Promise.all(
    notebook.browser.context
      .pages()
      .slice(1)
      .map((open) => open.close()),
  );
  return { seed, step, death, calls: all.length, stored };
}

interface Reach {
  readonly notebook: Notebook;
  readonly step: Step;
  readonly room: string;
  readonly page: Page;
  readonly all: readonly string[];
  readonly random: Prng;
  /** All of them, or those from one index up to another. */
  call(from?: number, to?: number): Promise<void>;
  storedCount(): number;
}

/** Calls, and comes back inside the step; with the page that is to die. */
async function reach({ notebook, step, room, page, all, call, storedCount, random }: Reach): Promise<Page> {
  switch (step) {
    case 'write': {
      // In half of the runs the device has the first ones when the others are called; the room, which would spare it the writing, hears of none.
      const first = random.chance(0.5) ? random.int(1, all.length) : 0;
      if (first > 0) notebook.wire.hold('toRoom');
      await call(0, first);
      await condition(() => storedCount() === first);
      await call(first);
      break;
    }
    case 'persist': {
      const count = random.int(1, all.length);
      await call();
      await condition(() => storedCount() >= count);
      break;
    }
    case 'push':
      notebook.wire.hold('toRoom');
      await call();
      await condition(() => storedCount() === all.length && notebook.wire.held('toRoom') > 0);
      break;
    case 'ack':
      notebook.wire.hold('toPage');
      await call();
      // Until it hears of them the page writes them down: the device has all that the room has.
      await condition(async () => storedCount() === all.length && (await notebook.notes(room)).length > 0);
      break;
    case 'settle':
      await call();
      await condition(async () => (await shown(page)).pending.length < all.length);
      break;
    case 'adopt': {
      notebook.wire.cut();
      await call();
      await condition(() => storedCount() === all.length);
      const heir = await notebook.open(room, { budgetMs: BUDGET_MS });
      await crash(page);
      // Half of the runs die as soon as it has the calls, the others when it pushes them.
      if (random.chance(0.5)) notebook.wire.mend();
      await condition(async () => (await shown(heir)).pending.length > 0 || (await notebook.notes(room)).length > 0);
      return heir;
    }
  }
  return page;
}

/** `isDelivered`: what was on its way to the room comes there after the death. */
async function die(notebook: Notebook, page: Page, death: Death, isDelivered: boolean): Promise<void> {
  switch (death) {
    case 'page':
      await crash(page);
      break;
    case 'worker':
      await page.evaluate(() => globalThis.notebook.endWorker());
      break;
    case 'browser':
      await notebook.killBrowser();
      await notebook.launch();
      break;
  }
  if (isDelivered) notebook.wire.release('toRoom');
  if (death !== 'worker' || !isDelivered) notebook.wire.cut();
  notebook.wire.mend();
}

/** Each call that the device had is in the room by one run, or listed as rejected; of the others none is there twice; the page shows the room. */
async function expectAllOnce(notebook: Notebook, room: string, page: Page, all: readonly string[]): Promise<void> {
  // A new call: it wakes whoever looks after a worker that says nothing, and comes after all others.
  const last = `${room}-last`;
  await page.evaluate((id) => globalThis.notebook.add([id]), last);
  const seen = async () => {
    const [{ notes: rows, pending, rejected, result }, notes] = [await shown(page), await notebook.notes(room)];
    const lost = all.filter(
      (id) => notebook.told.get(id) === 'stored' && !notes.some((note) => note.id === id) && rejected[id] !== 'forbidden',
    );
    // What a dead page left is heard of after it was taken over, which nobody has to wait for.
    const isSettled = pending.length === 0 && result === 'current' && notes.some(({ id }) => id === last);
    return { rows, notes, lost, isSettled };
  };
  await condition(async () => (await seen()).isSettled, `${room}: nothing is pending`);
  await expect(async () => {
    const { rows, notes, lost } = await seen();
    expect({ lost, twice: notes.filter(({ runs }) => runs !== 1), shown: idsOf(rows) }).toEqual({
      lost: [],
      twice: [],
      shown: idsOf(notes),
    });
    expect(idsOf(notes).filter((id) => id.includes('forbidden'))).toEqual([]);
  }).toPass({ timeout: 30_000 });
}
