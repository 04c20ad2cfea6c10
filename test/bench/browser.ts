import { type Browser, chromium, type Page } from 'playwright';

interface FoundBrowser {
  readonly executablePath: string;
  readonly args: readonly string[];
}

/** The Chromium that set-up found. @throws TypeError where it found none */
export async function openBrowser(...flags: readonly string[]): Promise<Browser> {
  const given = process.env['BENCH_BROWSER'];
  if (given === undefined) throw new TypeError('this bench needs a browser, and set-up found none: npm test finds or installs one');
  const { executablePath, args } = JSON.parse(given) as FoundBrowser; // cli.ts wrote it
  return chromium.launch({ executablePath, args: [...args, ...flags] });
}

/** A page in a context of its own, which shares no cache with others; what goes wrong in it ends the bench. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    console.error(`${url}: ${error.stack ?? error.message}`);
    process.exitCode = 1;
  });
  await page.goto(url, { waitUntil: 'commit' });
  return page;
}

export const closePage = (page: Page): Promise<void> => page.context().close();
