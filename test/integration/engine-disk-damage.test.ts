import { describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import { imageOf } from '../fake/engine-world.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const LISTS = 'SELECT id FROM lists ORDER BY id';
const kept = useKeptTabs();

describe('a disk that is damaged, behind or full', () => {
  it('[ST-60] a damaged commit of the tail is told once, and the sessions after it make what is kept whole again', async () => {
    const a = kept.tab('a');
    await kept.world.quiet();
    for (let n = 1; n <= 5; n += 1) {
      a.mutate('addList', { id: `l${n}`, name: `n${n}` });
      await kept.world.quiet();
    }
    await kept.saved(a);
    kept.crash(a);
    // One bit of commit 3.
    kept.browser.disk.damage(kept.place, 'tail', (row, key) =>
      key === 3 && !(row instanceof Uint8Array) ? { ...row, text: `${row.text} ` } : row,
    );
    const b = kept.tab('b');
    await kept.world.quiet();
    b.mutate('addList', { id: 'l6', name: 'n6' });
    await kept.world.quiet();
    await kept.saved(b);
    await kept.world.time.advanceAsync(120_000);
    b.mutate('addList', { id: 'l7', name: 'n7' });
    await kept.world.quiet();
    await kept.saved(b);
    kept.crash(b);
    const c = kept.tab('c', OFFLINE);
    await kept.world.until(() => c.queries.get('lists')?.status === 'cached', 'shown');
    expect(b.of('restored').flatMap(({ damage }) => damage)).toMatchObject([{ what: 'tail' }]);
    expect(c.of('restored').flatMap(({ damage }) => damage)).toEqual([]);
    expect(kept.ids(c)).toEqual(['l1', 'l2', 'l3', 'l4', 'l5', 'l6', 'l7']);
  });

  it('[ST-61] a disk that failed for more commits than wait for it has a fresh snapshot once it works', async () => {
    const a = kept.tab('a');
    await kept.world.quiet();
    await kept.saved(a);
    const other = kept.world.tab('elsewhere');
    await kept.world.quiet();
    kept.browser.disk.fault = (doing) => (doing === 'advance' ? new AlcoveError('storage_failed', 'slow') : null);
    other.mutate('addList', { id: 'l0', name: 'x0' });
    await kept.world.quiet();
    for (let n = 1; n < 2_010; n += 1) {
      other.mutate('renameList', { id: 'l0', name: `x${n}` });
      await kept.world.time.advanceAsync(20);
    }
    kept.browser.disk.fault = () => null;
    await kept.world.quiet();
    for (let n = 0; n < 5; n += 1) {
      a.mutate('addList', { id: `own${n}`, name: `o${n}` });
      await kept.world.quiet();
      await kept.world.time.advanceAsync(60_000);
    }
    await kept.saved(a);
    kept.crash(a);
    const c = kept.tab('c', OFFLINE);
    await kept.world.until(() => c.queries.get('lists')?.status === 'cached', 'shown');
    expect(kept.ids(c)).toContain('own4');
  }, 60_000);

  it('[ST-61] what was emptied offline has an image again once the room is within reach', async () => {
    const a = kept.tab('a');
    await kept.world.quiet();
    a.mutate('addList', { id: 'l1', name: 'one' });
    await kept.world.quiet();
    await kept.saved(a);
    kept.browser.disk.clear(kept.place);
    kept.world.server.kill();
    await kept.world.time.advanceAsync(40_000);
    await kept.saved(a);
    kept.world.server.start();
    await kept.world.until(() => a.status.connection === 'live', 'live');
    await kept.world.time.advanceAsync(300_000);
    expect(kept.browser.disk.rows(kept.place, 'image').length).toBeGreaterThan(0);
  });

  it('[ST-61] of several tabs that find the gap one asks for the snapshot', async () => {
    kept.begin({ imageOf });
    let [fetched, delayMs] = [0, 0];
    const fetchImage: SyncEngineOptions['fetchImage'] = async (...args) => {
      fetched += 1;
      await new Promise<void>((resolve) => kept.world.time.setTimer(delayMs, resolve));
      return kept.world.server.fetchImage(...args);
    };
    const tabs = ['a', 'b', 'c'].map((clientId) =>
      kept.tab(clientId, { fetchImage, storage: { ...kept.storageOf(clientId), imagePauseMs: 2_000 } }),
    );
    await kept.world.quiet();
    tabs[0]?.mutate('addList', { id: 'l1', name: 'one' });
    await kept.world.quiet();
    for (const one of tabs) await kept.saved(one);
    await kept.world.time.advanceAsync(60_000);
    // Longer than the pause between two images.
    [fetched, delayMs] = [0, 6_000];
    // Cut by another tab's load.
    kept.browser.disk.damage(kept.place, 'tail', () => undefined);
    const passing = kept.tab('passing', OFFLINE);
    await kept.world.until(() => passing.queries.get('lists')?.status === 'cached', 'shown');
    expect(passing.of('restored').flatMap(({ damage }) => damage)).toMatchObject([{ what: 'tail' }]);
    kept.crash(passing);
    tabs[1]?.mutate('addList', { id: 'l2', name: 'two' });
    await kept.world.quiet();
    await kept.world.time.advanceAsync(90_000);
    const after = kept.tab('after', OFFLINE);
    await kept.world.until(() => after.queries.get('lists')?.status === 'cached', 'shown');
    expect([kept.ids(after), fetched]).toEqual([['l1', 'l2'], 1]);
  });

  it('[ST-61] a gap within 30 s of an image is made good after that, also where no commit comes any more', async () => {
    kept.begin({ imageOf });
    let fetched = 0;
    const fetchImage: SyncEngineOptions['fetchImage'] = (...args) => {
      fetched += 1;
      return kept.world.server.fetchImage(...args);
    };
    const a = kept.tab('a', { fetchImage });
    a.mutate('addList', { id: 'l0', name: 'zero' });
    await kept.world.quiet();
    await kept.saved(a);
    await kept.world.time.advanceAsync(60_000);
    const fetches: number[] = [];
    const gap = async (id: string): Promise<void> => {
      kept.browser.disk.damage(kept.place, 'tail', () => undefined);
      const passing = kept.tab(`passing ${id}`, OFFLINE);
      await kept.world.until(() => passing.of('restored').length > 0, 'the tail is cut');
      kept.crash(passing);
      a.mutate('addList', { id, name: id });
      await kept.world.time.advanceAsync(3_000);
      fetches.push(fetched);
    };
    fetched = 0;
    await gap('l1');
    a.mutate('addList', { id: 'l2', name: 'two' });
    await kept.world.time.advanceAsync(3_000);
    await gap('l3');
    await kept.world.time.advanceAsync(30_000);
    expect([...fetches, fetched]).toEqual([1, 1, 2]);
    const after = kept.tab('after', OFFLINE);
    await kept.world.until(() => after.queries.get('lists')?.status === 'cached', 'shown');
    expect(kept.ids(after)).toEqual(['l0', 'l1', 'l2', 'l3']);
  });

  it('[TB-10] what is on a disk that cannot be read just now is not taken over in part, and what is saved is not removed unsent', async () => {
    const first = kept.tab('first');
    await kept.world.quiet();
    await kept.saved(first);
    kept.crash(first);
    const b = kept.tab('b');
    await kept.world.quiet();
    const a = kept.tab('a', OFFLINE);
    await kept.world.until(() => a.queries.get('lists')?.status === 'cached', 'shown');
    a.mutate('addList', { id: 'l1', name: 'one' });
    await kept.world.time.advanceAsync(50);
    kept.browser.deliver = () => false;
    a.mutate('addList', { id: 'l2', name: 'two' });
    await kept.saved(a);
    expect(a.of('stored').at(-1)).toMatchObject({ upTo: 2 });
    kept.crash(a);
    expect(kept.browser.disk.rows(kept.place, 'mutations')).toHaveLength(2);
    kept.browser.disk.fault = (doing) => (doing === 'look at the outbox' ? new AlcoveError('storage_failed', 'not now') : null);
    b.engine.adoptStored('a');
    await kept.world.time.advanceAsync(1_000);
    kept.browser.disk.fault = () => null;
    await kept.world.quiet();
    await kept.saved(b);
    b.engine.leave();
    await kept.world.time.advanceAsync(1_000);
    const c = kept.tab('c');
    await kept.world.time.advanceAsync(5_000);
    for (const { clientIds } of c.of('others')) for (const clientId of clientIds) c.engine.adoptStored(clientId);
    await kept.world.time.advanceAsync(20_000);
    expect(kept.world.server.rows(LISTS)).toEqual([['l1'], ['l2']]);
  });

  it('[ST-63] a full disk costs the room no snapshot every time a commit comes', async () => {
    kept.begin({ imageOf });
    let fetched = 0;
    const fetchImage: SyncEngineOptions['fetchImage'] = (...args) => {
      fetched += 1;
      return kept.world.server.fetchImage(...args);
    };
    kept.browser.disk.bytesMax = 2_000;
    kept.tab('a', { fetchImage });
    const other = kept.world.tab('elsewhere');
    await kept.world.time.advanceAsync(5_000);
    for (let n = 0; n < 600; n += 1) {
      other.mutate('addList', { id: `l${n}`, name: `n${n}` });
      await kept.world.time.advanceAsync(1_000);
    }
    expect(fetched).toBeLessThanOrEqual(3);
    kept.browser.disk.bytesMax = Number.POSITIVE_INFINITY;
    await kept.world.time.advanceAsync(20 * 60_000);
    other.mutate('addList', { id: 'last', name: 'last' });
    await kept.world.time.advanceAsync(5_000);
    expect(kept.browser.disk.rows(kept.place, 'image').length).toBeGreaterThan(0);
  });

  it('[ST-64] what was rejected is kept on a disk that is too full for the commits beside it', async () => {
    const a = kept.tab('a');
    await kept.world.quiet();
    await kept.saved(a);
    const other = kept.world.tab('elsewhere');
    await kept.world.quiet();
    kept.browser.disk.bytesMax = kept.browser.disk.bytes + 700;
    a.mutate('tabOnly', { id: 'no', name: 'no' });
    other.mutate('addList', { id: 'big', name: 'x'.repeat(5_000) });
    await kept.world.time.advanceAsync(600_000);
    expect(kept.browser.disk.rows(kept.place, 'rejections')).toHaveLength(1);
    expect([a.status.storage?.status, kept.browser.disk.rows(kept.place, 'mutations')]).toEqual(['saved', []]);
  });
});
