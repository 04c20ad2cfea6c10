import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Notebook, expect, test, until, untilShows } from './notebook/notebook-test.ts';

/** LevelDB's log of the profile's only origin with IndexedDB: what was written last. */
function newestLog({ profile }: Notebook): string {
  const origins = join(profile, 'Default', 'IndexedDB');
  const logs = readdirSync(origins)
    .filter((name) => name.endsWith('.leveldb'))
    .flatMap((name) => readdirSync(join(origins, name)).map((file) => join(origins, name, file)))
    .filter((file) => file.endsWith('.log'))
    .sort();
  const log = logs.at(-1);
  if (log === undefined) throw new Error(`no log is under ${origins}`);
  return log;
}

/** Rows that the room has, calls that only the device has, and a browser that was killed over them. */
async function leftBehind(notebook: Notebook, room: string): Promise<void> {
  const page = await notebook.openCurrent(room);
  await notebook.add(page, ['a', 'b']);
  await until(page, { pending: [], storage: 'saved' });
  notebook.wire.cut();
  await notebook.add(page, ['c', 'd', 'e']);
  await notebook.killBrowser();
}

const DAMAGES: readonly (readonly [what: string, damage: (log: string) => void])[] = [
  [
    'a flipped bit in its middle',
    (log) => {
      const bytes = readFileSync(log);
      const at = Math.floor(bytes.length / 2);
      bytes.writeUInt8((bytes[at] ?? 0) ^ 1, at);
      writeFileSync(log, bytes);
    },
  ],
  ['a cut end', (log) => truncateSync(log, statSync(log).size - 200)],
  ['nothing in it', (log) => truncateSync(log, 0)],
  [
    'zeroes for its second half',
    (log) => {
      const bytes = readFileSync(log);
      writeFileSync(log, bytes.fill(0, Math.floor(bytes.length / 2)));
    },
  ],
];

for (const [what, damage] of DAMAGES) {
  test(`a log of the browser's disk with ${what}: the room is fetched again, what is left arrives once, ids stay new`, async ({
    notebook,
  }) => {
    await leftBehind(notebook, 'damaged');
    damage(newestLog(notebook));
    await notebook.launch();
    notebook.wire.mend();
    const page = await notebook.openCurrent('damaged');
    await notebook.add(page, ['f', 'g']);
    await until(page, { pending: [], result: 'current', storage: 'saved' });
    const notes = await notebook.notes('damaged');
    expect(notes.filter(({ runs }) => runs !== 1)).toEqual([]);
    // What is lost with the disk is lost; no call of the new page was taken for one of the old one.
    expect(notes.map(({ id }) => id)).toEqual(expect.arrayContaining(['a', 'b', 'f', 'g']));
    await untilShows(
      page,
      notes.map(({ id }) => id),
    );
    // The disk serves again.
    notebook.wire.cut();
    await page.reload();
    await untilShows(
      page,
      notes.map(({ id }) => id),
    );
  });
}
