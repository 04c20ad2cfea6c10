import { describe, expect, it } from 'vitest';
import type { ShownVersion } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

describe('what outlives an engine', () => {
  it('[ST-20] a reload without a network shows the room as it was, with what was pending, and goes on', async () => {
    const first = kept.tab('a');
    await kept.world.quiet();
    first.mutate('addList', { id: 'l1', name: 'one' });
    await kept.world.quiet();
    await kept.saved(first);
    first.engine.close();
    const offline = kept.tab('b', OFFLINE);
    await kept.shows(offline, 'l1');
    expect(offline.status).toMatchObject({ replica: 'cached', version: 1 });
    expect(offline.queries.get('lists')?.status).toBe('cached');
    offline.mutate('addList', { id: 'l2', name: 'two' });
    await kept.saved(offline);
    expect(offline.of('stored')).toEqual([{ type: 'stored', clientId: 'b', from: 1, upTo: 1 }]);
    offline.engine.close();

    const again = kept.tab('c', OFFLINE);
    await kept.shows(again, 'l1', 'l2');
    expect(again.of('others').at(-1)?.clientIds).toContain('b');
    again.engine.close();

    const online = kept.tab('d');
    await kept.shows(online, 'l1', 'l2');
    online.engine.adoptStored('b');
    await kept.world.until(() => online.of('adopted').length > 0, 'it is taken over');
    await kept.world.quiet();
    expect(online.of('adopted')).toMatchObject([{ clientId: 'b', mutations: [{ mutationId: 1 }] }]);
    expect(online.of('settled')).toMatchObject([{ clientId: 'b', mutationId: 1, outcome: 'applied' }]);
    expect(kept.world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l2']]);
    await kept.saved(online);
    online.engine.close();
    const last = kept.tab('e', OFFLINE);
    await kept.shows(last, 'l1', 'l2');
    expect(last.status.version).toBe(2);
  });

  it('[ST-4] what the page saw settled leaves the disk with its next worker, where the one before did not get to it', async () => {
    const first = kept.tab('a', OFFLINE);
    await kept.world.time.advanceAsync(100);
    first.mutate('addList', { id: 'l1', name: 'one' });
    await kept.saved(first);
    first.engine.close();
    expect(kept.browser.disk.rows(kept.place, 'mutations')).toHaveLength(1);
    const next = kept.tab('a', {
      ...OFFLINE,
      life: 2,
      shown: { historyId: 'h', version: 1, known: { version: 1, hash: '1' } },
      start: false,
    });
    next.engine.adopt([{ clientId: 'a', lastMutationId: 1, confirmed: 1, welcomed: 0 }], []);
    next.engine.start();
    await kept.saved(next);
    await kept.world.until(() => kept.browser.disk.rows(kept.place, 'mutations').length === 0, 'nothing is pending on the disk');
  });

  it('[ST-20] resumes from what was kept: no snapshot is taken', async () => {
    const first = kept.tab('a');
    await kept.world.quiet();
    for (let number = 1; number <= 5; number += 1) first.mutate('addList', { id: `l${number}`, name: `list ${number}` });
    await kept.world.quiet();
    await kept.saved(first);
    first.engine.close();
    const other = kept.world.tab('elsewhere');
    other.mutate('addList', { id: 'l6', name: 'of another browser' });
    await kept.world.quiet();
    const second = kept.tab('b');
    await kept.shows(second, 'l1', 'l2', 'l3', 'l4', 'l5', 'l6');
    await kept.world.quiet();
    expect(
      second.batches
        .flat()
        .some((notice) => notice.type === 'status' && notice.status.hydration !== null && notice.status.hydration.phase === 'rows'),
    ).toBe(false);
  });
});

describe('[CN-20] the next engine of a page, where another tab has kept something since', () => {
  const lists = async (page: EnginePage, ids: readonly string[]): Promise<void> => {
    for (const id of ids) page.mutate('addList', { id, name: id });
    await kept.world.quiet();
    await kept.saved(page);
  };

  /** What the page showed, and what another tab has kept after it. */
  async function begun(): Promise<ShownVersion> {
    const first = kept.tab('a');
    await kept.world.quiet();
    await lists(first, ['l1', 'l2']);
    const { historyId, version, hash } = first.status;
    first.engine.close();
    const sibling = kept.tab('b');
    await kept.world.quiet();
    await lists(sibling, ['l3']);
    sibling.engine.close();
    if (historyId === null || version === null || hash === null) expect.unreachable();
    return { historyId, version, known: { version, hash } };
  }
  const isByRows = (page: EnginePage): boolean =>
    page.of('status').some(({ status: { hydration } }) => hydration?.phase === 'waiting' || hydration?.phase === 'rows');

  it('goes on from there where that follows on what the page showed, and knows so once the room was heard', async () => {
    const shown = await begun();
    const offline = kept.tab('c', { ...OFFLINE, shown });
    await kept.shows(offline, 'l1', 'l2', 'l3');
    expect(offline.status).toMatchObject({ replica: 'cached', version: shown.version + 1, hash: null });
    offline.engine.close();
    const online = kept.tab('d', { shown });
    await kept.world.quiet();
    expect(online.status).toMatchObject({ replica: 'current', version: shown.version + 1, hash: expect.any(String) as string });
    expect(online.status.forked).toBeUndefined();
    expect(isByRows(online)).toBe(false);
  });

  it('says once that the room went on without what the page showed, and what that was, however new what was kept is', async () => {
    const shown = await begun();
    for (const version of [shown.version, shown.version + 9]) {
      const lost = { ...shown, version, known: { version, hash: 'lost' } };
      const next = kept.tab(`after-${lost.version}`, { shown: lost });
      await kept.world.quiet();
      await kept.shows(next, 'l1', 'l2', 'l3');
      expect(next.status).toMatchObject({ replica: 'current', forked: { times: 1, seenVersion: lost.version } });
      expect(isByRows(next)).toBe(false);
      next.engine.hint('offline');
      next.engine.hint('online');
      await kept.world.quiet();
      expect(next.status).toMatchObject({ replica: 'current', forked: { times: 1 } });
      await kept.saved(next);
      next.engine.close();
    }
  });
});

describe('tabs of one browser', () => {
  it('[TB-1][TB-2] see each other’s pending writes, offline too, and nothing twice when they come back', async () => {
    const online = kept.tab('a');
    await kept.world.quiet();
    await kept.saved(online);
    online.engine.close();
    const b = kept.tab('b', OFFLINE);
    const c = kept.tab('c', OFFLINE);
    b.mutate('addList', { id: 'l1', name: 'of b' });
    await kept.shows(c, 'l1');
    c.mutate('addList', { id: 'l2', name: 'of c' });
    await kept.shows(b, 'l1', 'l2');
    const d = kept.tab('d', OFFLINE);
    await kept.shows(d, 'l1', 'l2');
    await Promise.all([b, c, d].map((page) => kept.saved(page)));
    for (const page of [b, c, d]) page.engine.close();
    const e = kept.tab('e');
    await kept.shows(e, 'l1', 'l2');
    e.engine.adoptStored('b');
    e.engine.adoptStored('c');
    await kept.world.until(() => e.of('settled').length === 2, 'both are decided');
    await kept.world.quiet();
    expect(kept.world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l2']]);
    expect(kept.ids(e)).toEqual(['l1', 'l2']);
  });

  it('[TB-13] a tab whose sibling is offline tells what that has pending, until it is decided; what a sibling with a session calls is not worth a word', async () => {
    const online = kept.tab('a');
    await kept.world.quiet();
    const offline = kept.tab('b', OFFLINE);
    const elsewhere = (): number | undefined => online.of('elsewhere').at(-1)?.count;
    for (const number of [1, 2, 3]) offline.mutate('addList', { id: `l${number}`, name: `list ${number}` });
    await kept.world.until(() => elsewhere() === 3, 'its sibling says so', 1_000);
    expect(
      online
        .of('elsewhere')
        .at(-1)
        ?.oldest.map(({ clientId, args }) => [clientId, args]),
    ).toMatchObject([
      ['b', { id: 'l1' }],
      ['b', { id: 'l2' }],
      ['b', { id: 'l3' }],
    ]);
    expect(online.status.pending).toBe(0);
    await kept.saved(offline);
    kept.crash(offline);
    online.engine.adoptStored('b');
    await kept.world.until(() => elsewhere() === 0 && online.of('settled').length === 3, 'it is taken over, and decided');
    const told = online.of('elsewhere').length;
    const second = kept.tab('c');
    await kept.world.quiet();
    second.mutate('addList', { id: 'l4', name: 'list 4' });
    await kept.shows(online, 'l1', 'l2', 'l3', 'l4');
    await kept.world.time.advanceAsync(5_000);
    expect(online.of('elsewhere')).toHaveLength(told);
  });

  it('[TB-2] a tab learns from the room what becomes of its siblings’ writes, with their rows', async () => {
    const a = kept.tab('a');
    await kept.world.quiet();
    const b = kept.tab('b');
    await kept.world.quiet();
    a.mutate('addList', { id: 'l1', name: 'of a' });
    await kept.shows(b, 'l1');
    await kept.world.quiet();
    await kept.shows(b, 'l1');
    expect(a.of('settled')).toHaveLength(1);
    expect(b.of('settled')).toHaveLength(0);
    b.mutate('addList', { id: 'l2', name: 'of b' });
    await kept.world.quiet();
    await kept.shows(a, 'l1', 'l2');
  });
});

describe('signing out', () => {
  it.each([true, false])('[ST-73] what a tab holds back when it hears of it is written if it is to stay (%s)', async (keeps) => {
    const a = kept.tab('a');
    await kept.world.quiet();
    await kept.saved(a);
    a.mutate('addList', { id: 'l1', name: 'held back' });
    expect(kept.browser.disk.rows(kept.place, 'mutations')).toEqual([]);
    const { server, user, roomName, roomId } = kept.place;
    kept.browser.openChannel(`alcove ${JSON.stringify([server, user, roomName, roomId])}`, () => undefined).post({ type: 'forget', keeps });
    await kept.world.until(() => a.of('forgotten').length === 1, 'it is told');
    await kept.world.time.advanceAsync(10);
    expect(kept.browser.disk.rows(kept.place, 'mutations')).toHaveLength(keeps ? 1 : 0);
  });

  it('[ST-51] tabs that hear of it keep nothing any more and tell their page; what is pending reaches nobody', async () => {
    const a = kept.tab('a');
    await kept.world.quiet();
    await kept.saved(a);
    const b = kept.tab('b', OFFLINE);
    await kept.shows(b);
    b.mutate('addList', { id: 'l1', name: 'of b' });
    await kept.saved(b);
    const channel = kept.browser.openChannel(
      `alcove ${JSON.stringify([kept.place.server, kept.place.user, kept.place.roomName, kept.place.roomId])}`,
      () => undefined,
    );
    channel.post({ type: 'forget' });
    await kept.world.until(() => a.of('forgotten').length === 1 && b.of('forgotten').length === 1, 'both are told');
    b.mutate('addList', { id: 'l2', name: 'of b, too late' });
    for (const page of [a, b]) page.engine.close();
    await kept.browser.disk.storage(kept.runtimeOf('page'), async () => '').remove(kept.place);
    const next = kept.tab('c');
    await kept.world.quiet();
    expect(kept.ids(next)).toEqual([]);
    expect(next.of('others').flatMap(({ clientIds }) => clientIds)).toEqual([]);
    expect(kept.world.server.rows('SELECT id FROM lists')).toEqual([]);
  });

  it('[ST-55] a tab that missed the word finds its place gone: it stops, tells its page, and brings nothing of the user back', async () => {
    const a = kept.tab('a', OFFLINE);
    await kept.world.until(() => a.status.storage?.status === 'saved', 'the place is there');
    a.mutate('addList', { id: 'l1', name: 'of ann' });
    await kept.saved(a);
    kept.browser.deliver = () => false;
    await kept.browser.disk.storage(kept.runtimeOf('page'), async () => '').remove(kept.place);
    a.mutate('addList', { id: 'l2', name: 'of ann, later' });
    await kept.world.until(() => a.of('forgotten').length === 1, 'its page is told');
    a.mutate('addList', { id: 'l3', name: 'of ann, too late' });
    a.engine.hint('hidden');
    await kept.world.time.advanceAsync(120_000);
    a.engine.leave();
    await kept.world.time.advanceAsync(1_000);
    expect([
      kept.browser.disk.rows(kept.place, 'header'),
      kept.browser.disk.rows(kept.place, 'mutations'),
      kept.browser.disk.openCount,
    ]).toEqual([[], [], 0]);
  });

  it('[ST-54] what one user left pending is neither shown to another nor sent for them, and goes on when the first is back', async () => {
    const ann = kept.tab('a', OFFLINE);
    ann.mutate('addList', { id: 'l1', name: 'of ann' });
    await kept.saved(ann);
    ann.engine.close();
    const storage = kept.browser.storageOf(kept.runtimeOf('bob'), { ...kept.place, user: 'bob' });
    const bob = kept.tab('b', { storage });
    await kept.world.quiet();
    bob.engine.adoptStored('a');
    await kept.world.quiet();
    expect(kept.ids(bob)).toEqual([]);
    expect(bob.of('adopted')).toEqual([]);
    expect(kept.world.server.rows('SELECT id FROM lists')).toEqual([]);
    const back = kept.tab('c');
    await kept.shows(back, 'l1');
    back.engine.adoptStored('a');
    await kept.world.until(() => back.of('settled').length === 1, 'the room has it');
    expect(kept.world.server.rows('SELECT id FROM lists')).toEqual([['l1']]);
  });
});

describe('a connection that the app ends', () => {
  it('[CN-42] is not made again by itself; writes are kept meanwhile and go out when it is', async () => {
    const a = kept.tab('a');
    await kept.world.quiet();
    a.engine.start(false);
    a.mutate('addList', { id: 'l1', name: 'one' });
    await kept.saved(a);
    a.engine.hint('online');
    await kept.world.time.advanceAsync(60_000);
    expect(a.status.connection).toBe('idle');
    expect(kept.ids(a)).toHaveLength(1);
    expect(kept.world.server.rows('SELECT id FROM lists')).toEqual([]);
    a.engine.start();
    await kept.world.until(() => a.of('settled').length === 1, 'the room has it');
    expect(kept.world.server.rows('SELECT id FROM lists')).toEqual([['l1']]);
  });
});
