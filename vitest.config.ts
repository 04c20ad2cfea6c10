import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { browserFlags } from './scripts/browser-flags.mjs';
import { readSetupRecord } from './scripts/setup-record.mjs';

// Packages resolve to their sources, in the tests and in what the tests load.
const conditions = ['@alcove/source', 'module', 'node', 'development|production', 'import', 'default'];
const browserConditions = ['@alcove/source', 'module', 'browser', 'development|production', 'import', 'default'];
const browserTests = 'packages/*/src/**/*.browser.test.{ts,tsx}';

const { browser } = readSetupRecord();

/** Tests that need a real page. Where there is no browser, scripts/test.mjs counts them as skipped, each by name. */
const browserProject = (executablePath: string) => ({
  extends: true as const,
  resolve: { conditions: browserConditions },
  optimizeDeps: { include: ['sql.js', 'comlink', 'react', 'react-dom/client'] },
  test: {
    name: 'browser',
    include: [browserTests],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath, args: browserFlags() } }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
});

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    environment: 'node',
    testTimeout: 20_000,
    hookTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.{ts,tsx}', 'examples/*/src/**/*.test.{ts,tsx}'],
          exclude: ['**/*.browser.test.*'],
        },
      },
      { extends: true, test: { name: 'contract', include: ['test/{contract,fake}/**/*.test.ts'] } },
      { extends: true, test: { name: 'integration', include: ['test/integration/**/*.test.ts'], testTimeout: 30_000 } },
      { extends: true, test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 120_000 } },
      { extends: true, test: { name: 'tidy', include: ['test/tidy/**/*.test.ts'], testTimeout: 60_000 } },
      ...(browser === null ? [] : [browserProject(browser)]),
    ],
  },
});
