import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import {
  DISK_TABLES,
  type DiskKey,
  type DiskTable,
  type DiskTables,
  type DiskTransaction,
  HEADER_KEY,
  type KeyRange,
  type RoomDisk,
  type TransactionKind,
} from '../../packages/client/src/storage/disk.ts';
import { DiskRoomStorage } from '../../packages/client/src/storage/disk-room-storage.ts';
import { emptyHeader } from '../../packages/client/src/storage/header.ts';
import { forgottenError, keptGroups } from '../../packages/client/src/storage/kept-groups.ts';
import type { Digest } from '../../packages/client/src/storage/load-room.ts';
import { seal } from '../../packages/client/src/storage/seal.ts';
import type { Storage, StoragePlace } from '../../packages/client/src/storage/storage.ts';

type Row = DiskTables[DiskTable];
interface Entry {
  readonly key: DiskKey;
  readonly row: Row;
}
/** By the key's text; sorted when read. */
type Table = Map<string, Entry>;
/** Takes one write back. */
type Undo = () => void;

/** The process that uses a disk: by it a simulator lets transactions take time, fail, and end with whoever made them. */
export interface DiskUser {
  /** Resolves when the transaction, which has all others of the place wait, may do its part. @throws what it is to end with */
  begin(doing: string): Promise<void>;
  /** Resolves where what the transaction did is to stand. @throws what it is to be taken back for */
  commit(doing: string): Promise<void>;
  /** Hands an answer over; never, where nobody is there any more. */
  answer<Result>(result: Promise<Result>): Promise<Result>;
}

const AT_ONCE: DiskUser = { begin: () => Promise.resolve(), commit: () => Promise.resolve(), answer: (result) => result };

/** What a browser keeps: places, and which writes a crash of the machine would take back. All its tabs share it. */
export class FakeBrowserDisk {
  readonly #places = new Map<string, FakePlace>();
  /** Client groups whose places were removed. */
  readonly #forgotten = new Set<string>();
  /** Bytes that fit; a transaction that would pass it fails. */
  bytesMax = Number.POSITIVE_INFINITY;
  /** Asked before each transaction; an error fails it. */
  fault: (doing: string) => AlcoveError | null = () => null;
  /** Told when a place was removed for good. */
  onRemoved: () => void = () => undefined;
  /** Every transaction ends when this resolves: by it a simulator spreads them over time. */
  delay: () => Promise<void> = () => Promise.resolve();

  storage(runtime: Runtime, digest: Digest, user: DiskUser = AT_ONCE): Storage {
    return {
      open: (place, groupId) => user.answer(this.#open(runtime, digest, user, place, groupId)),
      remove: (place) => user.answer(this.#remove(runtime, user, place)),
    };
  }

  async #open(runtime: Runtime, digest: Digest, user: DiskUser, place: StoragePlace, groupId?: string): Promise<DiskRoomStorage> {
    await this.delay();
    await user.begin('open');
    this.#check('open');
    if (groupId !== undefined && this.#forgotten.has(groupId)) throw forgottenError();
    const name = nameOf(place);
    const known = this.#places.get(name);
    const kept = known ?? new FakePlace();
    this.#places.set(name, kept);
    if (known === undefined) kept.begin(seal(runtime, emptyHeader(groupId ?? runtime.newId())));
    const disk = new FakeRoomDisk(this, kept, known === undefined, user);
    kept.openDisks.add(disk);
    return new DiskRoomStorage({ runtime, digest, disk });
  }

  async #remove(runtime: Runtime, user: DiskUser, place: StoragePlace): Promise<void> {
    await this.delay();
    await user.begin('remove');
    this.#check('remove');
    const kept = this.#places.get(nameOf(place));
    if (kept === undefined) return;
    for (const groupId of await keptGroups(runtime, new FakeRoomDisk(this, kept, false, user))) this.#forgotten.add(groupId);
    this.clear(place);
    this.onRemoved();
  }

  /** Whether the place of that client group was removed for good. */
  isForgotten(groupId: string): boolean {
    return this.#forgotten.has(groupId);
  }

  #check(doing: string): void {
    const error = this.fault(doing);
    if (error !== null) throw error;
  }

  /** What a user's “clear site data” does: all is gone, under the tabs that have it open. */
  clear(place: StoragePlace): void {
    const kept = this.#places.get(nameOf(place));
    this.#places.delete(nameOf(place));
    for (const disk of kept?.openDisks ?? []) disk.end(new AlcoveError('storage_failed', 'the browser closed its storage'));
  }

  /** The machine dies: of what was written relaxed since the last strict write, the last `share` (0 to 1) is gone. Tabs are to be ended by the caller. */
  crash(share: number): void {
    for (const place of this.#places.values()) place.takeBack(share);
  }

  /** The rows of a place, to damage them: `undefined` removes one. */
  damage(place: StoragePlace, table: DiskTable, change: (row: Row, key: DiskKey) => Row | undefined): void {
    const rows = this.#places.get(nameOf(place))?.tables.get(table);
    for (const [text, { key, row }] of [...(rows ?? [])]) {
      const changed = change(row, key);
      if (changed === undefined) rows?.delete(text);
      else rows?.set(text, { key, row: changed });
    }
  }

  /** Rows of one table of a place, as they are. */
  rows(place: StoragePlace, table: DiskTable): readonly Row[] {
    return [...(this.#places.get(nameOf(place))?.tables.get(table)?.values() ?? [])].map(({ row }) => row);
  }

  get bytes(): number {
    let bytes = 0;
    for (const place of this.#places.values()) bytes += place.bytes;
    return bytes;
  }

  /** Connections that nobody closed, of all places there are. */
  get openCount(): number {
    let count = 0;
    for (const place of this.#places.values()) count += place.openDisks.size;
    return count;
  }

  /** A process is gone: the platform closes what it had open. */
  closeAllOf(user: DiskUser): void {
    for (const place of this.#places.values()) for (const disk of place.openDisks) if (disk.isOf(user)) disk.close();
  }
}

const nameOf = (place: StoragePlace): string => JSON.stringify([place.server, place.user, place.roomName, place.roomId]);
const sizeOf = (row: Row): number => (row instanceof Uint8Array ? row.length : row.text.length + row.sum.length);

class FakePlace {
  readonly tables = new Map<DiskTable, Table>(DISK_TABLES.map((table) => [table, new Map()]));
  readonly openDisks = new Set<FakeRoomDisk>();
  /** One a relaxed transaction since the last strict one. */
  #relaxed: Undo[][] = [];
  /** Transactions that write one after the other, as IndexedDB lets those of shared tables. */
  queue: Promise<unknown> = Promise.resolve();

  begin(header: DiskTables['header']): void {
    this.tables.get('header')?.set(textOf(HEADER_KEY), { key: HEADER_KEY, row: header });
  }

  wrote(mode: 'strict' | 'relaxed', undos: Undo[]): void {
    if (mode === 'strict') this.#relaxed = [];
    else this.#relaxed.push(undos);
  }

  takeBack(share: number): void {
    const count = Math.round(this.#relaxed.length * share);
    for (const undos of this.#relaxed.splice(this.#relaxed.length - count).reverse()) for (const undo of [...undos].reverse()) undo();
    this.#relaxed = [];
  }

  get bytes(): number {
    let bytes = 0;
    for (const table of this.tables.values()) for (const { row } of table.values()) bytes += sizeOf(row);
    return bytes;
  }
}

class FakeRoomDisk implements RoomDisk {
  readonly isNew: boolean;
  readonly #browser: FakeBrowserDisk;
  readonly #place: FakePlace;
  readonly #user: DiskUser;
  #ended: ErrorBody | null = null;
  #isClosed = false;
  #listener: ((error: ErrorBody) => void) | null = null;

  constructor(browser: FakeBrowserDisk, place: FakePlace, isNew: boolean, user: DiskUser) {
    this.#browser = browser;
    this.#place = place;
    this.isNew = isNew;
    this.#user = user;
  }

  transact<Result>(
    doing: string,
    { tables, mode }: TransactionKind,
    run: (transaction: DiskTransaction) => Result | Promise<Result>,
  ): Promise<Result> {
    // What was asked for before `close` is done all the same, as IndexedDB does it.
    if (this.#isClosed) return this.#user.answer(Promise.reject(new AlcoveError('closed', 'the room’s storage was closed')));
    const before = this.#place.queue;
    const done = before.then(() => this.#run(doing, tables, mode, run));
    this.#place.queue = done.catch(() => undefined);
    return this.#user.answer(done);
  }

  async #run<Result>(
    doing: string,
    tables: readonly DiskTable[],
    mode: TransactionKind['mode'],
    run: (transaction: DiskTransaction) => Result | Promise<Result>,
  ): Promise<Result> {
    await this.#browser.delay();
    await this.#user.begin(doing);
    this.#assertOpen();
    const error = this.#browser.fault(doing);
    if (error !== null) throw error;
    const transaction = new FakeTransaction(this.#place.tables, tables);
    try {
      const result = await run(transaction);
      if (mode === 'read') return result;
      await this.#user.commit(doing);
      this.#assertOpen();
      if (transaction.grew && this.#browser.bytes > this.#browser.bytesMax)
        throw new AlcoveError('storage_full', `the browser’s storage is full (${doing}): ${this.#browser.bytesMax} bytes fit`);
      this.#place.wrote(mode, transaction.undos);
      return result;
    } catch (failure) {
      transaction.takeBack();
      throw failure;
    }
  }

  isOf(user: DiskUser): boolean {
    return this.#user === user;
  }

  #assertOpen(): void {
    if (this.#ended !== null) throw AlcoveError.fromBody(this.#ended);
  }

  onEnded(listener: (error: ErrorBody) => void): void {
    this.#listener = listener;
    if (this.#ended !== null) listener(this.#ended);
  }

  end(error: AlcoveError): void {
    if (this.#ended !== null) return;
    this.#ended = error.toBody();
    this.#place.openDisks.delete(this);
    this.#listener?.(this.#ended);
  }

  close(): void {
    this.#listener = null;
    this.#isClosed = true;
    this.#place.openDisks.delete(this);
  }
}

class FakeTransaction implements DiskTransaction {
  readonly undos: Undo[] = [];
  grew = false;
  readonly #tables: ReadonlyMap<DiskTable, Table>;
  readonly #scope: readonly DiskTable[];

  constructor(tables: ReadonlyMap<DiskTable, Table>, scope: readonly DiskTable[]) {
    this.#tables = tables;
    this.#scope = scope;
  }

  async get<Name extends DiskTable>(table: Name, key: DiskKey): Promise<DiskTables[Name] | undefined> {
    return this.#table(table).get(textOf(key))?.row as DiskTables[Name] | undefined; // rows of a table are of its type
  }

  async getAll<Name extends DiskTable>(table: Name, range?: KeyRange): Promise<DiskTables[Name][]> {
    return this.#entries(table, range).map(({ row }) => row as DiskTables[Name]); // as above
  }

  async getKeys(table: DiskTable): Promise<DiskKey[]> {
    return this.#entries(table).map(({ key }) => key);
  }

  put<Name extends DiskTable>(table: Name, key: DiskKey, row: DiskTables[Name]): void {
    this.grew = true;
    this.#set(this.#table(table), textOf(key), { key, row });
  }

  delete(table: DiskTable, range?: KeyRange): void {
    for (const { key } of this.#entries(table, range)) this.#set(this.#table(table), textOf(key), undefined);
  }

  #entries(table: DiskTable, range?: KeyRange): Entry[] {
    const entries = [...this.#table(table).values()].sort((a, b) => compareKeys(a.key, b.key));
    if (range === undefined) return entries;
    return entries.filter(({ key }) => compareKeys(key, range.from) >= 0 && compareKeys(key, range.to) <= 0);
  }

  #set(table: Table, text: string, entry: Entry | undefined): void {
    const before = table.get(text);
    this.undos.push(() => put(table, text, before));
    put(table, text, entry);
  }

  #table(name: DiskTable): Table {
    const table = this.#tables.get(name);
    if (table === undefined || !this.#scope.includes(name)) throw new TypeError(`table ${name} is not in the transaction`);
    return table;
  }

  takeBack(): void {
    for (const undo of this.undos.splice(0).reverse()) undo();
  }
}

function put(table: Table, text: string, entry: Entry | undefined): void {
  if (entry === undefined) table.delete(text);
  else table.set(text, entry);
}

const textOf = (key: DiskKey): string => JSON.stringify(key);
const kindOf = (key: DiskKey): number => (typeof key === 'number' ? 0 : typeof key === 'string' ? 1 : 2);

/** As IndexedDB orders keys. */
function compareKeys(a: DiskKey, b: DiskKey): number {
  if (kindOf(a) !== kindOf(b)) return kindOf(a) - kindOf(b);
  if (typeof a !== 'object' || typeof b !== 'object') return a === b ? 0 : a < b ? -1 : 1;
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compareKeys(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
