import { type Notebook, expect, shown, test, until, untilShows, wake } from './notebook/notebook-test.ts';

const ann = { user: 'ann' };
const ben = { user: 'ben' };

/** All that the browser keeps of the user: names of databases and marks. */
async function keptOf(notebook: Notebook, user: string): Promise<string[]> {
  const blank = await notebook.browser.context.newPage();
  await blank.goto(`${notebook.files.url}/blank.html`);
  const names = await blank.evaluate(async () => [
    ...(await indexedDB.databases()).map(({ name }) => name ?? ''),
    ...Object.entries(localStorage).map((entry) => entry.join()),
  ]);
  await blank.close();
  return names.filter((name) => name.includes(user));
}

test('[ST-51] [ST-54] [ST-73] sign-out in one tab with pending writes in another: it says how many would be lost, and takes them only when told to', async ({
  notebook,
}) => {
  const room = 'sign-out';
  const [leaves, writes] = [await notebook.openCurrent(room, ann), await notebook.openCurrent(room, ann)];
  await notebook.add(writes, ['a', 'b']);
  for (const page of [leaves, writes]) {
    await untilShows(page, ['a', 'b']);
    await until(page, { pending: [], storage: 'saved' });
  }
  notebook.wire.cut();
  await notebook.add(writes, ['c', 'd']);
  await notebook.add(leaves, ['e']);

  expect(await leaves.evaluate(() => globalThis.notebook.forget('room'))).toEqual({
    code: 'pending_writes',
    message: expect.stringContaining('3 mutations'),
  });
  // Nothing was taken: both go on, and a reload finds all of it.
  await leaves.reload();
  for (const page of [leaves, writes]) {
    await untilShows(page, ['a', 'b', 'c', 'd', 'e']);
    expect((await shown(page)).connection).not.toBe('closed');
  }

  expect(await leaves.evaluate(() => globalThis.notebook.forget('room', { discardPending: true }))).toBeNull();
  for (const page of [leaves, writes]) await until(page, { connection: 'closed' });
  expect(await keptOf(notebook, 'ann')).toEqual([]);
  // Nobody asked the tab that wrote: it is told.
  await until(writes, { pending: [], rejected: { c: 'forgotten', d: 'forgotten' } });
  // Ben finds nothing, and has to wait for the room.
  const other = await notebook.open(room, ben);
  await until(other, { connection: 'reconnecting' });
  expect(await shown(other)).toMatchObject({ result: 'pending', notes: [], pending: [], rejected: {}, lostOutbox: null });

  // Nothing is sent, by tabs that know of it nor by those that come.
  notebook.wire.mend();
  await Promise.all([leaves, writes, other].map(wake));
  const again = await notebook.openCurrent(room, ann);
  await until(again, { pending: [], rejected: {}, lostOutbox: null });
  await notebook.add(again, ['f']);
  await until(other, { result: 'current', pending: [] });
  await untilShows(other, ['a', 'b', 'f']);
  await notebook.roomHas(room, ['a', 'b', 'f']);
  for (const page of [leaves, writes]) await until(page, { connection: 'closed' });
});

test('[ST-52] [ST-54] sign-out from all rooms of a user, open or not: all or none, and none of another user', async ({ notebook }) => {
  const open = await notebook.openCurrent('open', ann);
  const elsewhere = await notebook.openCurrent('elsewhere', ann);
  const left = await notebook.openCurrent('left', ann);
  const bens = await notebook.openCurrent('left', ben);
  notebook.wire.cut();
  await notebook.add(elsewhere, ['a']);
  await notebook.add(left, ['b', 'c']);
  await notebook.add(bens, ['d']);
  await left.close();

  const refusal = await open.evaluate(() => globalThis.notebook.forget('user'));
  expect(refusal).toMatchObject({ code: 'pending_writes', message: expect.stringContaining('3 mutations') });
  expect(refusal?.message).toContain('1 of “elsewhere”');
  expect(refusal?.message).toContain('2 of “left”');
  for (const page of [open, elsewhere]) expect((await shown(page)).connection).not.toBe('closed');

  expect(await open.evaluate(() => globalThis.notebook.forget('user', { discardPending: true }))).toBeNull();
  for (const page of [open, elsewhere]) await until(page, { connection: 'closed' });
  expect(await keptOf(notebook, 'ann')).toEqual([]);
  expect((await shown(bens)).connection).not.toBe('closed');
  // What is Ben's is still there, and is all that arrives.
  await bens.reload();
  await until(bens, { pending: ['d'] });
  notebook.wire.mend();
  await Promise.all([open, elsewhere, bens].map(wake));
  await notebook.roomHas('left', ['d']);
  const again = await notebook.openCurrent('elsewhere', ann);
  await notebook.add(again, ['e']);
  await notebook.roomHas('elsewhere', ['e']);
  await notebook.roomHas('left', ['d']);
});
