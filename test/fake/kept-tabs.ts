import { afterEach, beforeEach } from 'vitest';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from './engine-page.ts';
import { EngineWorld } from './engine-world.ts';
import { FakeBrowser } from './fake-browser.ts';
import { FakeRuntime } from './fake-runtime.ts';

/** No connection ever comes about. */
export const OFFLINE: Pick<SyncEngineOptions, 'openSocket'> = {
  openSocket: (_url, handlers) => {
    queueMicrotask(() => handlers.onClose(1006, ''));
    return { send: () => undefined, close: () => undefined, bufferedAmount: 0 };
  },
};

type TabOptions = NonNullable<Parameters<EngineWorld['tab']>[1]>;

/** Tabs of one browser that keep a room of one world; a fresh browser and a fresh world for each test of the file that calls `useKeptTabs`. */
class KeptTabs {
  readonly place = { server: 'ws://room', user: 'ann', roomName: 'tasks', roomId: 'r1' };
  world = new EngineWorld();
  browser = new FakeBrowser();

  /** Another world in place of the one so far, for the same browser. */
  begin(...given: ConstructorParameters<typeof EngineWorld>): void {
    this.world.close();
    this.world = new EngineWorld(...given);
  }

  runtimeOf(seed: string): FakeRuntime {
    return new FakeRuntime({ seed, time: this.world.time });
  }

  storageOf(clientId: string): NonNullable<SyncEngineOptions['storage']> {
    return this.browser.storageOf(this.runtimeOf(clientId), this.place);
  }

  /** A tab that shows all lists. */
  tab(clientId: string, options: TabOptions = {}): EnginePage {
    const page = this.world.tab(clientId, { storage: this.storageOf(clientId), ...options });
    page.watch('lists', 'SELECT id, name FROM lists ORDER BY id');
    return page;
  }

  /** Ids of the lists that it shows. */
  ids(page: EnginePage): unknown[] {
    return page.rows('lists').map(([id]) => id);
  }

  saved(page: EnginePage): Promise<void> {
    return this.world.until(() => page.status.storage?.status === 'saved', 'all is on the disk');
  }

  shows(page: EnginePage, ...wanted: string[]): Promise<void> {
    return this.world.until(() => JSON.stringify(this.ids(page)) === JSON.stringify(wanted), `${page.clientId} shows ${wanted.join(', ')}`);
  }

  /** The tab is gone, and nobody waits for it. */
  crash(page: EnginePage): void {
    const at = this.world.pages.indexOf(page);
    if (at !== -1) this.world.pages.splice(at, 1);
    page.engine.close();
  }
}

/** To be called once, at the top of a file of tests. */
export function useKeptTabs(): KeptTabs {
  const tabs = new KeptTabs();
  beforeEach(() => {
    tabs.browser = new FakeBrowser();
    tabs.begin();
  });
  afterEach(() => tabs.world.close());
  return tabs;
}
