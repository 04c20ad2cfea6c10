import { AlcoveError, type ClientRoom, createClient, type ForgetOptions, type LiveQuery, type SyncStatus } from '@alcove/client';
import { type newerNotebook, type notebook, notes } from './room.ts';

type LostTail = NonNullable<SyncStatus['lostTail']>;

export interface Note {
  readonly id: string;
  readonly body: string;
  readonly runs: number;
}

/** What a page shows; plain JSON. */
export interface Shown {
  readonly notes: readonly Note[];
  /** Of the list above. */
  readonly result: 'pending' | 'cached' | 'current' | 'error';
  readonly error: string | null;
  /** All that the list ever came to, in this load of the page. */
  readonly errors: readonly string[];
  /** Ids of notes whose calls the room has not decided. */
  readonly pending: readonly string[];
  /** As above, of calls that other tabs of the browser made; and the number of them. */
  readonly elsewhere: readonly string[];
  readonly elsewhereCount: number;
  /** Calls on the device that a newer build made, and has to send. */
  readonly waitsForUpdate: number;
  /** Ids of notes whose calls came to nothing, with the code. */
  readonly rejected: Readonly<Record<string, string>>;
  readonly connection: SyncStatus['connection'];
  readonly connectionError: string | null;
  readonly storage: SyncStatus['storage'];
  readonly storageError: string | null;
  readonly unsaved: number;
  /** Why mutations of earlier page loads are gone from the disk; null: none are known to be. */
  readonly lostOutbox: 'emptied' | 'damaged' | null;
  readonly lostTail: Pick<LostTail, 'seenVersion' | 'version'> | null;
}

/** What a page offers to the test that drives it, as `globalThis.notebook`. */
export interface NotebookPage {
  /** Calls a mutator once for each id, in order, and says of each what became of it. Waits for nothing. */
  add(ids: readonly string[], body?: string, mutator?: 'add' | 'addForbidden'): void;
  /** As `add` of one note whose body is random text; resolves when the device has it. */
  keep(id: string, bodyBytes: number): Promise<void>;
  shown(): Shown;
  /** Takes the line of that note off the list of what came to nothing, or calls it again. */
  read(id: string, then: 'dismiss' | 'retry'): void;
  /** Of its room, or of all rooms of its user; comes to the code and the message of a refusal, null where it was done. */
  forget(what: 'room' | 'user', options?: ForgetOptions): Promise<{ readonly code: string; readonly message: string } | null>;
  /** Until the page is loaded again, or `reconnect`. */
  disconnect(): void;
  reconnect(): void;
  /** Ends the worker's thread, as a browser does that is short of memory. */
  endWorker(): void;
}

declare global {
  var notebook: NotebookPage;
  /** Of the test: `stored` when a call's `local` resolved, else why it failed. */
  var told: ((id: string, what: 'stored' | 'failed') => Promise<void>) | undefined;
}

const RANDOM_BYTES_MAX = 49_152;

/** Text that no compression makes smaller than three quarters. */
function randomText(bytes: number): string {
  let text = '';
  while (text.length < bytes) {
    const random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES_MAX));
    text += btoa(String.fromCharCode(...random));
  }
  return text.slice(0, bytes);
}

const noteOf = ({ args }: { readonly args: unknown }): string => (args as Note).id; // all mutators take a note
const textOf = ({ code, message }: AlcoveError): string => `${code}: ${message}`;

function shownOf(room: ClientRoom<typeof notebook>, list: LiveQuery<{ id: string; body: string; runs: number }>, errors: string[]): Shown {
  const { data: rows, status, error } = list.getSnapshot();
  const state = room.status.getSnapshot();
  return {
    notes: rows ?? [],
    result: status,
    error: error === undefined ? null : textOf(error),
    errors,
    pending: room.pending.getSnapshot().map(noteOf),
    elsewhere: room.pendingElsewhere.getSnapshot().map(noteOf),
    elsewhereCount: state.pendingElsewhereCount,
    waitsForUpdate: state.waitsForUpdateCount,
    rejected: Object.fromEntries(room.rejected.getSnapshot().map((line) => [noteOf(line), line.error?.code ?? ''])),
    connection: state.connection,
    connectionError: state.error?.code ?? null,
    storage: state.storage,
    storageError: state.storageError?.code ?? null,
    unsaved: state.unsavedCount,
    lostOutbox: state.lostOutbox?.why ?? null,
    lostTail: state.lostTail === null ? null : { seenVersion: state.lostTail.seenVersion, version: state.lostTail.version },
  };
}

/** A page of one notebook: `?server=…&room=…`, `&budget=…` for how long its worker may be silent, in ms, and `&user=…`. */
export function startPage(definition: typeof notebook | typeof newerNotebook, openWorker: () => Worker): void {
  const options = new URLSearchParams(location.search);
  const user = options.get('user');
  let worker: Worker | null = null;
  const client = createClient({
    url: options.get('server') ?? '',
    workerBudgetMs: Number(options.get('budget') ?? 5_000),
    ...(user === null ? {} : { user }),
    worker: () => {
      worker = openWorker();
      return worker;
    },
  });
  // Both builds have these tables and mutators, the newer one a column more.
  const room = client.room(definition as typeof notebook, options.get('room') ?? '');
  const list = room.query((db) => db.select({ id: notes.id, body: notes.body, runs: notes.runs }).from(notes).orderBy(notes.id));
  const errors: string[] = [];
  list.subscribe(() => {
    const { error } = list.getSnapshot();
    if (error !== undefined) errors.push(textOf(error));
  });
  globalThis.notebook = {
    add: (ids, body = '', mutator = 'add') => {
      for (const id of ids) {
        const { local, confirmed } = room.mutate[mutator]({ id, body });
        confirmed.catch(() => undefined);
        local.then(
          () => globalThis.told?.(id, 'stored'),
          () => globalThis.told?.(id, 'failed'),
        );
      }
    },
    keep: async (id, bodyBytes) => {
      await room.mutate.add({ id, body: randomText(bodyBytes) }).local;
    },
    shown: () => shownOf(room, list, errors),
    read: (id, then) => {
      for (const line of room.rejected.getSnapshot()) if (noteOf(line) === id) void room[then](line.key);
    },
    forget: (what, given) =>
      (what === 'room' ? room : client).forget(given).then(
        () => null,
        (error: unknown) => {
          if (!(error instanceof AlcoveError)) throw error;
          return { code: error.code, message: error.message };
        },
      ),
    disconnect: () => room.disconnect(),
    reconnect: () => room.reconnect(),
    endWorker: () => worker?.terminate(),
  };
}
