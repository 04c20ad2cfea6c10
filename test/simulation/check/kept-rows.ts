import type { SimBrowser } from '../browser/sim-browser.ts';
import type { World } from '../world/world.ts';

/** The few parts of what the product keeps that are looked at here. */
interface KeptRow {
  readonly clientId?: string;
  readonly key?: string;
  readonly mutation?: { readonly clientId: string; readonly name: string; readonly args: unknown; readonly nowMs: number };
  readonly error?: { readonly code: string };
}

const rowsOf = (browser: SimBrowser, table: 'clients' | 'mutations' | 'rejections'): KeptRow[] =>
  browser.texts(table).map((text) => JSON.parse(text) as KeptRow); // written by the product

/** What is on a browser's disk and must never be, whenever it is looked at: what was forgotten, or dismissed. */
export function lookAtDisks(world: World): void {
  for (const { groupId, browser } of world.groups) {
    if (browser === null || browser.harmedAtMs > Number.NEGATIVE_INFINITY) continue;
    const { removals } = browser.forgets;
    for (const table of ['clients', 'mutations', 'rejections'] as const)
      for (const row of removals.length === 0 ? [] : rowsOf(browser, table)) {
        const clientId = row.clientId ?? row.mutation?.clientId ?? '';
        const isBack = (world.clients.bornIn(clientId) ?? removals.length) < removals.length;
        if (isBack)
          return world.findings.report('I26', `the disk of ${groupId} has ${table} of ${clientId} again, whose room was forgotten there`);
      }
    for (const { key = '', error } of browser.dismissals.written.size === 0 ? [] : rowsOf(browser, 'rejections'))
      if (browser.dismissals.written.has(key) && !OUTCOMES_UNKNOWN.has(error?.code ?? ''))
        return world.findings.report('I27', `the disk of ${groupId} has the rejection ${key} again, which was dismissed`);
  }
}

/** Until all tabs of a browser have heard of it they may list different lines; then they list what its disk has. */
export function* listsApart(world: World): Generator<string> {
  for (const { groupId, browser } of world.groups) {
    if (browser === null || browser.harmedAtMs > Number.NEGATIVE_INFINITY) continue;
    const rows = rowsOf(browser, 'rejections');
    for (const { key = '', error } of rows) {
      const by = browser.dismissals.told.get(key);
      if (by !== undefined && !OUTCOMES_UNKNOWN.has(error?.code ?? '') && world.isLive(by))
        yield `${by} dismissed ${key}, and the disk of ${groupId} has it`;
    }
    const kept = rows.filter(({ error }) => !OUTCOMES_UNKNOWN.has(error?.code ?? '')).flatMap(({ mutation }) => mutation ?? []);
    for (const tab of world.liveTabs()) {
      if (tab.group.browser !== browser) continue;
      const isShown = (text: string): boolean => !tab.retried.has(text);
      const right = kept.map(({ nowMs, ...mutation }) => textOfLine({ ...mutation, calledAtMs: nowMs })).filter(isShown);
      const lines = tab.room.rejected.getSnapshot().filter(({ status }) => status === 'rejected');
      const shown = lines.map(textOfLine).filter(isShown);
      if (shown.sort().join() !== right.sort().join())
        yield `${tab.name} lists ${shown.join(' ')}; the disk of ${groupId} has ${right.join(' ')}`;
    }
  }
}

/** Tells a line from another, whoever lists it. */
export const textOfLine = ({
  name,
  args,
  calledAtMs,
}: {
  readonly name: string;
  readonly args: unknown;
  readonly calledAtMs: number;
}): string => JSON.stringify([name, args, calledAtMs]);

/**
 * As the page lists them under another status than those that the room rejected. Where a worker dies before the disk has that the room takes nothing more from a client, the next one is told so again,
 * and lines that were dismissed meanwhile are on the disk once more.
 */
const OUTCOMES_UNKNOWN = new Set(['client_unknown', 'unknown_outcome']);
