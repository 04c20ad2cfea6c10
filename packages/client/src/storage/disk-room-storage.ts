import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { chunksOf, type DiskTransaction, HEADER_KEY, mutationsUpTo, only, type RoomDisk } from './disk.ts';
import { goneClients, noteGone } from './gone-clients.ts';
import { admitToTail, emptyHeader, follows, freeSlot, type Header, isSameKind, mayFollow, mayReplace, placesToCut } from './header.ts';
import { CHUNK_BYTES } from './image-pieces.ts';
import { checkOutbox, checkRoom, type Digest, PENDING_TABLES, readOutbox, readRoom, tablesOf } from './load-room.ts';
import { mendOutbox } from './mend-outbox.ts';
import { nameSchema } from './named-schemas.ts';
import { findRejections, trimRejections } from './rejection-rows.ts';
import { seal, type Sealed, unseal } from './seal.ts';
import type {
  Advance,
  Advanced,
  Enqueued,
  FoundRejections,
  GoneClient,
  KnownClient,
  LoadedParts,
  NamedSchema,
  RoomState,
  RoomStorage,
  StoredClient,
  StoredCommit,
  StoredImage,
  StoredMutation,
  StoredOutbox,
  StoredRoom,
} from './storage.ts';
import { isNewerSchema } from './stored-schema.ts';
import { mendTail, wholeTail } from './whole-tail.ts';

const OUTBOX_STRICT = { tables: ['clients', 'mutations'], mode: 'strict' } as const;
const PENDING_STRICT = { tables: PENDING_TABLES, mode: 'strict' } as const;

export interface DiskRoomOptions {
  readonly runtime: Runtime;
  readonly digest: Digest;
  readonly disk: RoomDisk;
}

/** What a room keeps, as rows of a disk. Each method says which transaction it is; every condition between tabs is checked inside it. */
export class DiskRoomStorage implements RoomStorage {
  readonly #runtime: Runtime;
  readonly #digest: Digest;
  readonly #disk: RoomDisk;
  /** Ids of schemas that the disk has. */
  readonly #named = new Set<string>();
  /** As it was put last: what is read again to the letter need not be checked again. */
  #header: { readonly sealed: Sealed; readonly header: Header } | null = null;

  constructor({ runtime, digest, disk }: DiskRoomOptions) {
    this.#runtime = runtime;
    this.#digest = digest;
    this.#disk = disk;
  }

  async load(what: LoadedParts = 'all'): Promise<StoredRoom> {
    const doing = what === 'all' ? 'load' : `load the ${what}`;
    const raw = await this.#disk.transact(doing, { tables: tablesOf(what), mode: 'read' }, (transaction) =>
      readRoom(this.#runtime, this.#digest, transaction, what),
    );
    const { header, damage, ...room } = await checkRoom(this.#runtime, this.#digest, raw);
    if (damage.some(({ what }) => what === 'image')) await this.dropReplica();
    const groupId = header?.groupId ?? (await this.#beginAnew());
    // Nobody waits for them: where one fails, the next load tells of the damage once more. What is written after this comes behind them.
    if (damage.some(({ what }) => what === 'tail')) this.#mendTail().catch(() => undefined);
    if (damage.some(({ what }) => what === 'outbox' || what === 'rejection')) this.#mend().catch(() => undefined);
    return { ...room, groupId, isNew: this.#disk.isNew, damage };
  }

  /** The header is gone or cannot be read; what it told of is of no use without it, but for the client group: the one that spoke last is gone on as. */
  #beginAnew(): Promise<string> {
    return this.#disk.transact('begin anew', { tables: ['header', 'clients'], mode: 'strict' }, async (transaction) => {
      const rows = await transaction.getAll('clients');
      const clients = rows.map((row) => unseal<StoredClient>(this.#runtime, row)).filter((client) => client !== undefined);
      clients.sort((a, b) => b.seenAtMs - a.seenAtMs);
      const groupId = clients.map((client) => client.groupId ?? null).find((group) => group !== null);
      const header = await this.#headerIn(transaction, groupId);
      this.#putHeader(transaction, header);
      return header.groupId;
    });
  }

  #mend(): Promise<void> {
    const tables = ['clients', 'mutations', 'rejections'] as const;
    return this.#disk.transact('mend the outbox', { tables, mode: 'strict' }, (transaction) => mendOutbox(this.#runtime, transaction));
  }

  #mendTail(): Promise<void> {
    const tables = ['header', 'tail'] as const;
    return this.#disk.transact('mend the tail', { tables, mode: 'strict' }, (transaction) => mendTail(this.#runtime, transaction));
  }

  async outbox(clientIds?: readonly string[]): Promise<StoredOutbox> {
    const raw = await this.#disk.transact('look at the outbox', { tables: PENDING_TABLES, mode: 'read' }, (transaction) =>
      readOutbox(transaction, clientIds),
    );
    const outbox = checkOutbox(this.#runtime, raw, []);
    if (clientIds === undefined) return outbox;
    const asked = new Set(clientIds);
    for (const { clientId } of outbox.clients) asked.delete(clientId);
    const gone = goneClients(this.#runtime, raw.gone).filter(({ clientId }) => asked.has(clientId));
    return gone.length === 0 ? outbox : { ...outbox, gone };
  }

  enqueue(client: StoredClient, mutations: readonly StoredMutation[], under?: NamedSchema): Promise<void> {
    return this.#pend('enqueue', under, (transaction) => this.#enqueueIn(transaction, { client, mutations }));
  }

  async rename(added: readonly Enqueued[], removed: readonly KnownClient[], under?: NamedSchema): Promise<void> {
    const isKnown = under === undefined || this.#named.has(under.schemaId);
    await this.#disk.transact('rename', PENDING_STRICT, async (transaction) => {
      if (!isKnown) await nameSchema(this.#runtime, transaction, under);
      for (const one of added) await this.#enqueueIn(transaction, one);
      await this.#removeIn(transaction, removed);
    });
    if (!isKnown) this.#named.add(under.schemaId);
  }

  /** With the first of what was called under a schema it is said what that is. */
  async #pend(doing: string, under: NamedSchema | undefined, run: (transaction: DiskTransaction) => Promise<void>): Promise<void> {
    if (under === undefined || this.#named.has(under.schemaId)) return this.#disk.transact(doing, OUTBOX_STRICT, run);
    await this.#disk.transact(doing, PENDING_STRICT, async (transaction) => {
      await nameSchema(this.#runtime, transaction, under);
      await run(transaction);
    });
    this.#named.add(under.schemaId);
  }

  async #enqueueIn(transaction: DiskTransaction, { client, mutations }: Enqueued): Promise<void> {
    // What is confirmed moves with the commits that show it, in `advance`, or where it is said with which version; a first welcome that another engine knew of was earlier.
    const known = (await this.#clientIn(transaction, client.clientId)) ?? client;
    const { confirmed, confirmedAt } = client.confirmedAt !== null && client.confirmed > known.confirmed ? client : known;
    const groupId = client.groupId ?? known.groupId ?? null;
    const welcomed = earlier(known.welcomed, client.welcomed);
    this.#putClient(transaction, { ...client, lastMutationId: newest(known, client), groupId, confirmed, confirmedAt, welcomed });
    for (const mutation of mutations) transaction.put('mutations', [mutation.clientId, mutation.mutationId], seal(this.#runtime, mutation));
  }

  advance({ historyId, commits, clients, rejections }: Advance, removed: readonly KnownClient[] = []): Promise<Advanced> {
    const mode = rejections.length + removed.length > 0 ? 'strict' : 'relaxed';
    const tables = ['header', 'tail', 'clients', 'mutations', 'rejections'] as const;
    return this.#disk.transact('advance', { tables, mode }, async (transaction) => {
      for (const client of clients) {
        const known = await this.#clientIn(transaction, client.clientId);
        this.#putClient(transaction, { ...client, lastMutationId: newest(known, client) });
        transaction.delete('mutations', mutationsUpTo(client.clientId, client.confirmed));
      }
      for (const rejection of rejections) transaction.put('rejections', rejection.key, seal(this.#runtime, rejection));
      if (rejections.length > 0) await trimRejections(this.#runtime, transaction);
      if (removed.length > 0) await this.#removeIn(transaction, removed);
      const header = await this.#headerIn(transaction);
      const { tail, fresh } = admitToTail(header, historyId, commits);
      const imageBytes = header.image?.bytes ?? 0;
      if (tail !== 'overlap') return { tail, tailBytes: this.#append(transaction, header, header.tail.bytes, fresh), imageBytes };
      for (const { index, at } of placesToCut(header, commits)) {
        const hash = await this.#hashAt(transaction, header, at);
        if (hash === undefined) continue;
        if (commits[index] !== undefined && !mayFollow(hash, commits[index]))
          return { tail: 'fork', tailBytes: header.tail.bytes, imageBytes };
        const end = { from: at + 1, to: header.tail.version };
        const bytes = (await transaction.getAll('tail', end)).reduce((sum, { text }) => sum - text.length, header.tail.bytes);
        transaction.delete('tail', end);
        return { tail: 'appended', tailBytes: this.#append(transaction, header, bytes, commits.slice(index)), imageBytes };
      }
      return { tail: 'gap', tailBytes: header.tail.bytes, imageBytes };
    });
  }

  /** Where the image, or one of the tail's commits, ends at this version. */
  async #hashAt(transaction: DiskTransaction, { image }: Header, version: number): Promise<string | undefined> {
    if (image?.position.version === version) return image.position.hash;
    return unseal<StoredCommit>(this.#runtime, await transaction.get('tail', version))?.hash;
  }

  /** Gives what the tail has in bytes after it. */
  #append(transaction: DiskTransaction, header: Header, bytesBefore: number, commits: readonly StoredCommit[]): number {
    let bytes = bytesBefore;
    for (const { from, to, schema, hash, changes } of commits) {
      const row = seal(this.#runtime, { from, to, schema, hash, changes });
      bytes += row.text.length;
      transaction.put('tail', to, row);
    }
    const last = commits.at(-1);
    if (last !== undefined) this.#putHeader(transaction, { ...header, tail: { version: last.to, hash: last.hash, bytes } });
    return bytes;
  }

  removeClients(clients: readonly KnownClient[]): Promise<void> {
    return this.#disk.transact('remove clients', PENDING_STRICT, (transaction) => this.#removeIn(transaction, clients));
  }

  async #removeIn(transaction: DiskTransaction, clients: readonly KnownClient[]): Promise<void> {
    const gone: GoneClient[] = [];
    for (const { clientId, lastMutationId } of clients) {
      const row = await this.#clientIn(transaction, clientId);
      const isNewer = row !== undefined && row.lastMutationId > lastMutationId;
      if (isNewer) this.#putClient(transaction, { ...row, confirmed: Math.max(row.confirmed, lastMutationId) });
      else transaction.delete('clients', only(clientId));
      transaction.delete('mutations', mutationsUpTo(clientId, isNewer ? lastMutationId : Number.MAX_SAFE_INTEGER));
      if (!isNewer) gone.push({ clientId, lastMutationId, confirmedAt: row?.confirmedAt ?? null });
    }
    await noteGone(this.#runtime, transaction, gone);
  }

  rejections(known: ReadonlySet<string>): Promise<FoundRejections> {
    return this.#disk.transact('look at the rejections', { tables: ['rejections'], mode: 'read' }, (transaction) =>
      findRejections(this.#runtime, transaction, known),
    );
  }

  dismiss(keys: readonly string[]): Promise<void> {
    return this.#disk.transact('dismiss', { tables: ['rejections'], mode: 'strict' }, (transaction) => {
      for (const key of keys) transaction.delete('rejections', only(key));
    });
  }

  becomeImager(): Promise<number> {
    return this.#disk.transact('become the imager', { tables: ['header'], mode: 'relaxed' }, async (transaction) => {
      const header = await this.#headerIn(transaction);
      const imager = header.imager + 1;
      this.#putHeader(transaction, { ...header, imager });
      return imager;
    });
  }

  async writeImage(image: StoredImage, imager: number): Promise<'written' | 'superseded'> {
    try {
      return await this.#writeWhole(image, imager);
    } catch (error) {
      if (error instanceof AlcoveError && error.code === 'storage_full') await this.#dropHalf(imager);
      throw error;
    }
  }

  /** An image that does not fit leaves nothing behind that takes up room. */
  async #dropHalf(imager: number): Promise<void> {
    const dropped = this.#disk.transact('drop half an image', { tables: ['header', 'image'], mode: 'relaxed' }, async (transaction) => {
      const header = await this.#headerIn(transaction);
      if (header.imager === imager) transaction.delete('image', chunksOf(freeSlot(header)));
    });
    await dropped.catch(() => undefined); // the next image begins by it
  }

  async #writeWhole(image: StoredImage, imager: number): Promise<'written' | 'superseded'> {
    const sums: string[] = [];
    for (let at = 0; at < image.bytes.length; at += CHUNK_BYTES) {
      // A copy: of a view the platform would store the whole buffer behind it.
      const chunk = image.bytes.slice(at, at + CHUNK_BYTES);
      const sum = await this.#digest(chunk);
      if (!(await this.#writeChunk(image, chunk, sums.length, imager))) return 'superseded';
      sums.push(sum);
    }
    return this.#switchTo(image, sums, imager);
  }

  #writeChunk(image: StoredImage, chunk: Uint8Array, index: number, imager: number): Promise<boolean> {
    return this.#disk.transact('write an image', { tables: ['header', 'image'], mode: 'relaxed' }, async (transaction) => {
      const header = await this.#headerIn(transaction);
      if (header.imager !== imager || !mayReplace(header, image)) return false;
      const slot = freeSlot(header);
      if (index === 0) transaction.delete('image', chunksOf(slot));
      transaction.put('image', [slot, index], chunk);
      return true;
    });
  }

  /** All chunks are there: from this transaction on it is the image, and the tail begins behind it. */
  #switchTo(image: StoredImage, sums: readonly string[], imager: number): Promise<'written' | 'superseded'> {
    const { position, schema, bytes, sha256 } = image;
    const whole = { chunks: sums.length, bytes: bytes.length, sha256, sums };
    const tables = ['header', 'image', 'tail'] as const;
    return this.#disk.transact('switch to an image', { tables, mode: 'relaxed' }, async (transaction) => {
      const header = await this.#headerIn(transaction);
      if (header.imager !== imager || !mayReplace(header, image)) return 'superseded';
      const end = { from: position.version + 1, to: Number.MAX_SAFE_INTEGER };
      const rest = follows(header, position) ? await transaction.getAll('tail', end) : [];
      const goesOn = unseal<StoredCommit>(this.#runtime, rest[0])?.from === position.version;
      transaction.delete('tail', goesOn ? { from: 0, to: position.version } : undefined);
      const left = goesOn ? rest : [];
      const { version, hash } = goesOn ? header.tail : position;
      if (header.image !== null) transaction.delete('image', chunksOf(header.image.slot));
      this.#putHeader(transaction, {
        ...header,
        image: { slot: freeSlot(header), position, ...(schema === undefined ? {} : { schema }), ...whole },
        tail: { version, hash, bytes: left.reduce((sum, row) => sum + row.text.length, 0) },
      });
      return 'written';
    });
  }

  dropReplica(): Promise<void> {
    return this.#disk.transact('drop the replica', { tables: ['header', 'image', 'tail'], mode: 'relaxed' }, async (transaction) => {
      const { groupId, imager } = await this.#headerIn(transaction);
      transaction.delete('image');
      transaction.delete('tail');
      this.#putHeader(transaction, { ...emptyHeader(groupId), imager: imager + 1 });
    });
  }

  dropLost({ position, schema }: RoomState): Promise<void> {
    const tables = ['header', 'image', 'tail'] as const;
    return this.#disk.transact('drop a lost end', { tables, mode: 'strict' }, async (transaction) => {
      const header = await this.#headerIn(transaction);
      if (header.image === null || isNewerSchema(header.image.schema, schema)) return;
      const rows = await transaction.getAll('tail', { from: 0, to: position.version });
      const { reached } = wholeTail(this.#runtime, header.image, rows);
      const isThere = isSameKind(header.image.position, position) && reached.version === position.version && reached.hash === position.hash;
      transaction.delete('tail', isThere ? { from: position.version + 1, to: Number.MAX_SAFE_INTEGER } : undefined);
      if (!isThere) transaction.delete('image');
      const imager = header.imager + 1;
      this.#putHeader(transaction, isThere ? { ...header, imager, tail: reached } : { ...emptyHeader(header.groupId), imager });
    });
  }

  onEnded(listener: (error: ErrorBody) => void): void {
    this.#disk.onEnded(listener);
  }

  close(): void {
    this.#disk.close();
  }

  async #clientIn(transaction: DiskTransaction, clientId: string): Promise<StoredClient | undefined> {
    return unseal<StoredClient>(this.#runtime, await transaction.get('clients', clientId));
  }

  #putClient(transaction: DiskTransaction, client: StoredClient): void {
    transaction.put('clients', client.clientId, seal(this.#runtime, client));
  }

  /** `groupId`: of an empty one. */
  async #headerIn(transaction: DiskTransaction, groupId?: string): Promise<Header> {
    const sealed = await transaction.get('header', HEADER_KEY);
    const known = this.#header;
    if (known !== null && sealed?.text === known.sealed.text && sealed.sum === known.sealed.sum) return known.header;
    return unseal<Header>(this.#runtime, sealed) ?? emptyHeader(groupId ?? this.#runtime.newId());
  }

  #putHeader(transaction: DiskTransaction, header: Header): void {
    const sealed = seal(this.#runtime, header);
    this.#header = { sealed, header };
    transaction.put('header', HEADER_KEY, sealed);
  }
}

/** Ids are minted once: what another tab knew of one is not taken back. */
const newest = (known: KnownClient | undefined, client: KnownClient): number => Math.max(known?.lastMutationId ?? 0, client.lastMutationId);

const earlier = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);
