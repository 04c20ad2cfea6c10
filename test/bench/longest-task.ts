import type { Browser } from 'playwright';

/** One line of a trace as Chromium writes it; times in microseconds. */
interface TraceLine {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** CPU time of the thread. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

const MAIN_THREAD = 'CrRendererMain';
const TASK = 'RunTask';

/**
 * The longest that one task held the thread of a page in `browser` while `run` ran, in ms of that thread's own CPU time: what others do on the machine
 * does not count.
 */
export async function longestTaskMs(browser: Browser, run: () => Promise<unknown>): Promise<number> {
  await browser.startTracing(undefined, { categories: ['toplevel'] });
  await run();
  const trace = await browser.stopTracing();
  const { traceEvents: lines } = JSON.parse(trace.toString('utf8')) as { readonly traceEvents: readonly TraceLine[] }; // Chromium's format
  const threadOf = ({ pid, tid }: TraceLine): string => `${pid} ${tid}`;
  const pages = new Set(lines.filter(({ name, args }) => name === 'thread_name' && args.name === MAIN_THREAD).map(threadOf));
  const tasks = lines.filter((line) => line.name.endsWith(TASK) && pages.has(threadOf(line)));
  if (tasks.length === 0) throw new TypeError('the trace tells of no task of a page');
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1_000;
}
