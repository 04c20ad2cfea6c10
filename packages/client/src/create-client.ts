import { AlcoveError } from '@alcove/core/error';
import { kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import { Client, CLIENT_OPTIONS } from './client.ts';
import type { ClientOptions } from './client.ts';
import { browserDevice } from './page/browser-device.ts';
import { browserLocks } from './page/browser-locks.ts';
import { watchPage } from './page/page-lifecycle.ts';
import { reloadOnce } from './page/reload-once.ts';
import { createBrowserRuntime } from './worker/browser-runtime.ts';
import { consoleLogger } from './worker/console-logger.ts';
import { missingForStorage } from './worker/missing-platform.ts';
import { WorkerHost } from './worker/worker-host.ts';

/** What `createClient` takes in a page. */
export interface BrowserClientOptions extends ClientOptions {
  /** Makes the worker that runs `startWorker`: `() => new Worker(new URL('./room.worker.ts', import.meta.url), { type: 'module' })`. */
  readonly worker: () => Worker;
  /** How long one query or mutation may hold the worker before it is ended with `query_timeout` or `mutator_timeout`, in ms. Default 5,000. */
  readonly workerBudgetMs?: number;
  /**
   * `device`: rooms are kept in this browser's IndexedDB, so that they open at once and offline, and mutations survive the tab (the default, on secure pages: https and localhost; elsewhere as
   * `memory`). With `auth` it takes `user`, too: what is kept is kept for somebody. `memory`: all is gone with the tab.
   */
  readonly storage?: 'device' | 'memory';
  /**
   * Page and worker turned out to be of different builds of the app, as where a cache serves one of them from before an update. Without it the page is loaded again, once; with it, when
   * `reload` is called, or never.
   */
  readonly onOutdated?: (reload: () => void) => void;
}

const BROWSER_CLIENT_OPTIONS: KeysOf<BrowserClientOptions> = {
  ...CLIENT_OPTIONS,
  worker: true,
  workerBudgetMs: true,
  storage: true,
  onOutdated: true,
};

const WORKER_BUDGET_MS = 5_000;

/**
 * A client for a page: one worker for all its rooms. Make one per page and keep it.
 * @throws AlcoveError `option_invalid`
 */
export function createClient(given: BrowserClientOptions): Client {
  const { worker, workerBudgetMs, storage, onOutdated, ...options } = resolveOptions(given);
  const runtime = createBrowserRuntime({ log: consoleLogger });
  // Two people who sign in one after the other in one browser must not find each other's rooms: without a name for whom it is, nothing is kept.
  const isKept = storage === 'device' && (options.auth === undefined || options.user !== undefined);
  if (storage === 'device' && !isKept)
    runtime.log.info(
      'nothing is kept in this browser: createClient has `auth` and no `user`, for whom it would be; `storage: "memory"` says that it is meant',
    );
  const notKept = isKept ? missingForStorage('this page') : null;
  if (notKept !== null) runtime.log.info(notKept.message, { code: notKept.code });
  const host = new WorkerHost({ runtime, worker, budgetMs: workerBudgetMs });
  const client = new Client(
    { ...options, url: absoluteUrl(options.url) },
    {
      runtime,
      host,
      locks: isKept && notKept === null ? browserLocks() : null,
      notKept,
      device: browserDevice(runtime),
      onClose: () => stopHinting(),
      onBuildsDiffer: (schemaId) => reloadForBuild(schemaId, onOutdated),
    },
  );
  const stopHinting = hintFromPage(client);
  return client;
}

/** @throws AlcoveError `option_invalid`: names the option, what was given and what may be. */
function resolveOptions(given: BrowserClientOptions) {
  refuseUnknownKeys('option_invalid', 'createClient', given, BROWSER_CLIENT_OPTIONS);
  const { workerBudgetMs = WORKER_BUDGET_MS, storage = 'device', ...options } = given;
  if (typeof options.url !== 'string') throw wrongOption('url', 'the address of the server, e.g. "/sync"', options.url);
  if (typeof options.worker !== 'function') throw wrongOption('worker', 'a function that makes the worker', options.worker);
  if (storage !== 'device' && storage !== 'memory') throw wrongOption('storage', '"device" or "memory"', storage);
  if (!Number.isFinite(workerBudgetMs) || workerBudgetMs < 100)
    throw new AlcoveError('option_invalid', `workerBudgetMs is ${workerBudgetMs}; it must be at least 100`);
  return { ...options, workerBudgetMs, storage };
}

const wrongOption = (name: string, wanted: string, given: unknown): AlcoveError =>
  new AlcoveError('option_invalid', `${name} must be ${wanted}, and is ${kindOf(given)}`);

/** `/sync` on a page of https://example.org is wss://example.org/sync. */
function absoluteUrl(url: string): string {
  if (typeof location === 'undefined' || /^[a-z]+:/i.test(url)) return url;
  return new URL(url, location.href).href.replace(/^http/, 'ws');
}

/** What a page knows of its network and of who looks at it; hints, never decisions. */
function hintFromPage(client: Client): () => void {
  if (typeof window === 'undefined') return () => undefined;
  return watchPage(window, {
    online: () => client.hint('online'),
    offline: () => client.hint('offline'),
    hidden: () => client.hint('hidden'),
    visible: () => client.hint('visible'),
    suspend: () => client.suspend(),
    resume: () => client.resume(),
    get unsaved() {
      return client.unsaved;
    },
  });
}

function reloadForBuild(schemaId: string, onOutdated: BrowserClientOptions['onOutdated']): void {
  if (typeof location === 'undefined' || typeof sessionStorage === 'undefined') return;
  reloadOnce({ marks: sessionStorage, reload: () => location.reload() }, schemaId, onOutdated);
}
