import { readFileSync } from 'node:fs';
import { type BrowserContext, type CDPSession, chromium, type Page } from '@playwright/test';
import { browserFlags } from '../../../scripts/browser-flags.mjs';
import { readSetupRecord } from '../../../scripts/setup-record.mjs';
import { condition } from './condition.ts';

/** Chromium over a profile on the disk, whose processes a test may kill and freeze. */
export class KeptBrowser {
  readonly context: BrowserContext;
  readonly #cdp: CDPSession;

  private constructor(context: BrowserContext, cdp: CDPSession) {
    this.context = context;
    this.#cdp = cdp;
  }

  static async launch(profile: string): Promise<KeptBrowser> {
    const { browser } = readSetupRecord();
    const context = await chromium.launchPersistentContext(profile, {
      ...(browser === null ? {} : { executablePath: browser }),
      args: browserFlags(),
    });
    const cdp = await context.browser()?.newBrowserCDPSession();
    if (cdp === undefined) throw new Error('the browser has no session for its own processes');
    return new KeptBrowser(context, cdp);
  }

  /** Ids of its processes of a kind. */
  async processes(type: 'browser' | 'renderer'): Promise<readonly number[]> {
    const { processInfo } = await this.#cdp.send('SystemInfo.getProcessInfo');
    return processInfo.filter((process) => process.type === type).map(({ id }) => id);
  }

  /** What a page is run by: the one whose CPU time rises while it counts. */
  async rendererOf(page: Page): Promise<number> {
    const before = await this.#cpuTimes();
    await page.evaluate(() => {
      for (const end = performance.now() + 300; performance.now() < end; ) continue;
    });
    const spent = [...(await this.#cpuTimes())].map(([id, seconds]) => [id, seconds - (before.get(id) ?? 0)] as const);
    const [busiest] = spent.sort(([, a], [, b]) => b - a);
    if (busiest === undefined) throw new Error('the browser has no renderer');
    return busiest[0];
  }

  /** Private memory of all renderers, where the platform tells it (Linux); else null. */
  async renderersMb(): Promise<number | null> {
    if (process.platform !== 'linux') return null;
    const ids = await this.processes('renderer');
    const kb = ids.map((id) => Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0));
    return Math.round(kb.reduce((sum, each) => sum + each, 0) / 1024);
  }

  async #cpuTimes(): Promise<Map<number, number>> {
    const { processInfo } = await this.#cdp.send('SystemInfo.getProcessInfo');
    return new Map(processInfo.filter(({ type }) => type === 'renderer').map(({ id, cpuTime }) => [id, cpuTime]));
  }

  /** As when the machine loses its power, for all that the browser knows. */
  async kill(): Promise<void> {
    const [id] = await this.processes('browser');
    if (id === undefined) throw new Error('the browser has no process');
    const closed = new Promise<void>((resolve) => this.context.once('close', () => resolve()));
    process.kill(id, 'SIGKILL');
    await closed;
    await condition(() => !isAlive(id));
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

/** A page whose process is gone at once: nothing of it runs any more, also no listener for its end. */
export async function crash(page: Page): Promise<void> {
  const cdp = await page.context().newCDPSession(page);
  const crashed = new Promise<void>((resolve) => page.once('crash', () => resolve()));
  // Nobody is left to answer.
  cdp.send('Page.crash').catch(() => undefined);
  await crashed;
  await page.close();
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}
