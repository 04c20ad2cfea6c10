import { type Browser, expect, type Page, test } from '@playwright/test';
import { MinimalExample } from './minimal-example.ts';

/** Two browsers on one list: what one does, the other shows. */
async function useTogether(browser: Browser, url: string): Promise<void> {
  const title = `Milk for ${new URL(url).port}`;
  const complaints: string[] = [];
  const open = async (): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    return page;
  };
  const [first, second] = [await open(), await open()];
  await first.getByRole('textbox').fill(title);
  await first.getByRole('textbox').press('Enter');
  const milk = (page: Page) => page.getByRole('checkbox', { name: title });
  await expect(milk(second)).not.toBeChecked();
  await milk(second).click();
  await expect(milk(first)).toBeChecked();
  await first.reload();
  await expect(milk(first)).toBeChecked();
  expect(complaints).toEqual([]);
  for (const page of [first, second]) await page.context().close();
}

test('examples/minimal builds, runs, and shows a todo of one browser in another', async ({ browser }) => {
  const example = await MinimalExample.inWorkspace();
  try {
    await example.buildPage();
    await example.startServer();
    await useTogether(browser, await example.servePage());
  } finally {
    await example.end();
  }
});

test('the packages as they are published work in a plain Vite app, built and from its sources, and have their types', async ({
  browser,
}) => {
  const example = await MinimalExample.fromTarballs();
  try {
    for (const compiler of ['typescript', 'typescript-7'] as const)
      for (const way of ['bundler', 'nodenext'] as const) await example.checkTypes(compiler, way);
    await example.buildPage();
    await example.startServer();
    await useTogether(browser, await example.servePage());
    await useTogether(browser, await example.serveDev());
  } finally {
    await example.end();
  }
});
