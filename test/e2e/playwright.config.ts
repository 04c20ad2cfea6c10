import { defineConfig } from '@playwright/test';
import { browserFlags } from '../../scripts/browser-flags.mjs';
import { readSetupRecord } from '../../scripts/setup-record.mjs';

const { browser } = readSetupRecord();

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  outputDir: '../../.cache/e2e',
  // Each worker has its own server on a free port; two at a time fill a small machine.
  fullyParallel: false,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  // Bounds for a machine that is busy with something else; a test waits for conditions and ends when they are met.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [['list'], ['json', { outputFile: '../../.cache/playwright.json' }]],
  use: {
    ...(browser === null ? {} : { launchOptions: { executablePath: browser, args: browserFlags() } }),
    // Recording costs a sixth of the time: `--trace on` for a test that is looked at.
    trace: 'off',
    screenshot: 'only-on-failure',
  },
});
