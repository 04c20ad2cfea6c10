import { type Notebook, expect, shown, test, until, untilShows } from './notebook/notebook-test.ts';

const FAULTS = {
  'IndexedDB that throws':
    'Object.defineProperty(IDBFactory.prototype, "open", { value() { throw new DOMException("not here", "SecurityError"); } });',
  'IndexedDB that never answers': 'IDBFactory.prototype.open = () => Object.setPrototypeOf(new EventTarget(), IDBOpenDBRequest.prototype);',
} as const;

async function worksInMemory(notebook: Notebook, room: string, storage: 'failing' | 'off', error: string): Promise<void> {
  const page = await notebook.open(room);
  await until(page, { result: 'current', storage });
  expect((await shown(page)).storageError).toBe(error);
  await notebook.add(page, ['a', 'b']);
  await notebook.roomHas(room, ['a', 'b']);
  await untilShows(page, ['a', 'b']);
  await until(page, { pending: [], rejected: {}, unsaved: 0 });
}

for (const [what, fault] of Object.entries(FAULTS)) {
  test(`${what}: works in memory and says so`, async ({ notebook }) => {
    notebook.files.prelude = fault;
    await worksInMemory(notebook, 'memory', 'failing', 'storage_failed');
  });
}

const MISSING = {
  'no Web Locks': 'Object.defineProperty(navigator, "locks", { value: undefined });',
  'no IndexedDB': 'Object.defineProperty(globalThis, "indexedDB", { value: undefined });',
  'no BroadcastChannel': 'Object.defineProperty(globalThis, "BroadcastChannel", { value: undefined });',
  'no Web Locks in the worker': 'if (!("document" in globalThis)) Object.defineProperty(navigator, "locks", { value: undefined });',
} as const;

for (const [what, fault] of Object.entries(MISSING)) {
  test(`[ST-24] ${what}: works in memory and says what is missing`, async ({ notebook }) => {
    notebook.files.prelude = fault;
    await worksInMemory(notebook, 'missing', 'off', 'storage_unavailable');
  });
}
