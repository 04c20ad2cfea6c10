import { defineConfig } from '@playwright/test';
import { readSetupRecord } from '../../scripts/setup-record.mjs';

const { browser } = readSetupRecord();

/** Flags that keep Chromium from talking to its maker and, as root, from refusing to start. */
const flags = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'];
const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  outputDir: '../../.cache/e2e',
  // Each test starts its own server on a free port; two at a time fill a small machine.
  fullyParallel: false,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['json', { outputFile: '../../.cache/playwright.json' }]],
  use: {
    ...(browser === null ? {} : { launchOptions: { executablePath: browser, args: [...flags, ...sandbox] } }),
    trace: 'retain-on-failure',
  },
});
