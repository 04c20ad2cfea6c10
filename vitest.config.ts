import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { browserFlags } from './scripts/browser-flags.mjs';
import { readSetupRecord } from './scripts/setup-record.mjs';

// Packages resolve to their sources, in the tests and in what the tests load.
// `import` is not among them: the tests' processes are started with these, and a package that is required would be resolved as if it were imported.
const conditions = ['@alcove/source', 'module', 'node', 'development|production'];
const browserConditions = ['@alcove/source', 'module', 'browser', 'development|production', 'import', 'default'];
const browserTests = 'packages/*/src/**/*.browser.test.{ts,tsx}';

/** For a machine that has other things to do. */
const TIMEOUT_MS = 60_000;
/** Most tests wait for sockets, disks and processes of their own more than they compute. */
const WORKERS = Math.max(2, availableParallelism() - 1);

const { browser } = readSetupRecord();

/** Tests that need a real page. Where there is no browser, scripts/test.mjs counts them as skipped, each by name. */
const browserProject = (executablePath: string) => ({
  resolve: { conditions: browserConditions },
  optimizeDeps: { include: ['sql.js', 'comlink', 'idb', 'react', 'react-dom/client'] },
  test: {
    name: 'browser',
    include: [browserTests],
    testTimeout: TIMEOUT_MS,
    globalSetup: ['test/browser/global-setup.ts'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath, args: browserFlags() } }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
});

/**
 * Tests that run in Node. Its conditions must not reach the browser's project: there they would pick modules for Node.
 * `together`: files share a process and its modules, as the rooms of a server do; half of the time would go into starting processes otherwise.
 */
const nodeProject = (name: string, include: readonly string[], { testTimeout = TIMEOUT_MS, together = false } = {}) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    name,
    include: [...include],
    exclude: ['**/*.browser.test.*', '**/node_modules/**'],
    environment: 'node' as const,
    testTimeout,
    isolate: !together,
    hookTimeout: TIMEOUT_MS,
  },
});

export default defineConfig({
  test: {
    maxWorkers: WORKERS,
    projects: [
      nodeProject('unit', ['packages/*/src/**/*.test.{ts,tsx}', 'examples/*/src/**/*.test.{ts,tsx}'], { together: true }),
      nodeProject('contract', ['test/{contract,fake}/**/*.test.ts'], { together: true }),
      nodeProject('integration', ['test/integration/**/*.test.ts']),
      nodeProject('simulation', ['test/simulation/**/*.test.ts'], { testTimeout: 120_000 }),
      nodeProject('tidy', ['test/tidy/**/*.test.ts']),
      ...(browser === null ? [] : [browserProject(browser)]),
    ],
  },
});
