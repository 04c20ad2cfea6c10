import { assert } from '@alcove/core/error';
import type { Advance, Enqueued, KnownClient, RoomState, StoredClient, StoredImage, StoredMutation } from './storage.ts';

/** One transaction's worth (an image: a few). */
export type Work =
  | { readonly type: 'enqueue'; readonly client: StoredClient; readonly mutations: readonly StoredMutation[] }
  | { readonly type: 'rename'; readonly added: readonly Enqueued[]; readonly removed: readonly KnownClient[] }
  | { readonly type: 'remove'; readonly clients: readonly KnownClient[] }
  | { readonly type: 'dismiss'; readonly keys: readonly string[] }
  | { readonly type: 'drop'; readonly have: RoomState }
  | { readonly type: 'image'; readonly image: StoredImage }
  /** `removed`: clients that go with what was put aside of them. */
  | { readonly type: 'advance'; readonly advance: Advance; readonly removed: readonly KnownClient[] };

interface Queued {
  readonly client: StoredClient;
  readonly mutation: StoredMutation;
  readonly sinceMs: number;
}

/** How long something may wait before it is written, in ms: what waits longer is written with more, and what the room decides first need not be written at all. */
export interface Patience {
  readonly mutationMs: number;
  /** For what can be fetched again, and what has ended. */
  readonly restMs: number;
}

export const NO_PATIENCE: Patience = { mutationMs: 0, restMs: 0 };

/** Due whatever the patience. */
export const AT_ONCE = Number.NEGATIVE_INFINITY;
/** Mutations that one transaction takes. */
const MUTATIONS_A_WRITE = 500;
/** Rows of changes, in characters of JSON, that wait at most; past it a fresh image is cheaper than what is left out. */
const COMMITS_MAX = 2_000;

/**
 * What is still to be written, joined while it waits: a busy room costs as many transactions as the disk manages. In order of worth: what the user did, what
 * is settled or gone, the image, the commits after it.
 */
export class WriteQueue {
  readonly #renames: (Work & { type: 'rename' })[] = [];
  #mutations: Queued[] = [];
  #advance: Advance | null = null;
  #image: StoredImage | null = null;
  #have: RoomState | null = null;
  /** By clientId: up to which mutation. */
  #removed = new Map<string, number>();
  #dismissed = new Set<string>();
  #underWay: Work | null = null;
  /** Clients of which mutations were decided before they were written: what follows on those is not written without the word that they ended. */
  readonly #skipped = new Set<string>();
  /** Since when there is something but mutations; null: there is not. */
  #restSinceMs: number | null = null;

  enqueue(client: StoredClient, mutation: StoredMutation, sinceMs: number): void {
    this.#mutations.push({ client, mutation, sinceMs });
  }

  advance(next: Advance, sinceMs: number): void {
    this.#restSinceMs = Math.min(this.#restSinceMs ?? sinceMs, sinceMs);
    this.#dropConfirmed(next.clients);
    const before = this.#advance;
    if (before === null) {
      this.#advance = next;
      return;
    }
    const goesOn = before.historyId === next.historyId || next.commits.length === 0;
    const commits = goesOn ? [...before.commits, ...next.commits] : next.commits;
    this.#advance = {
      historyId: goesOn ? before.historyId : next.historyId,
      // Too many: left out, they make a gap, which asks for an image.
      commits: commits.length > COMMITS_MAX ? next.commits : commits,
      clients: newestOf([...before.clients, ...next.clients]),
      rejections: [...before.rejections, ...next.rejections],
    };
  }

  /** What the room has decided need not be kept any more. */
  #dropConfirmed(clients: readonly StoredClient[]): void {
    const confirmed = new Map(clients.map((client) => [client.clientId, client.confirmed]));
    const isOpen = ({ mutation }: Queued): boolean => mutation.mutationId > (confirmed.get(mutation.clientId) ?? 0);
    if (this.#mutations.every(isOpen)) return;
    for (const entry of this.#mutations) if (!isOpen(entry)) this.#skipped.add(entry.mutation.clientId);
    this.#mutations = this.#mutations.filter(isOpen);
  }

  keepImage(image: StoredImage, sinceMs: number): void {
    this.#restSinceMs ??= sinceMs;
    this.#image = image;
  }

  /** What is kept of an end that the room has lost goes before anything is written behind it, and what waits to be with it. */
  dropLost(have: RoomState, sinceMs: number): void {
    this.#restSinceMs ??= sinceMs;
    this.#have = have;
    this.dropImage();
    this.dropCommits();
  }

  dropImage(): void {
    this.#image = null;
  }

  /** What is settled and what has ended is written without them. */
  dropCommits(): void {
    if (this.#advance === null) return;
    const { clients, rejections } = this.#advance;
    this.#advance = clients.length + rejections.length === 0 ? null : { ...this.#advance, commits: [] };
  }

  removeClients(clients: readonly KnownClient[], sinceMs: number): void {
    this.#restSinceMs ??= sinceMs;
    this.#noteRemoved(clients);
    this.#mutations = this.#mutations.filter(({ client }) => !this.#removed.has(client.clientId));
    // Written behind the removal, its counters would bring it back, with nothing pending, for good.
    if (this.#advance !== null) this.#advance = withoutClients(this.#advance, this.#removed);
  }

  /** All that is pending of the removed ones goes by the names of the added ones. */
  rename(added: readonly Enqueued[], removed: readonly KnownClient[]): void {
    const gone = new Map(removed.map(({ clientId, lastMutationId }) => [clientId, lastMutationId]));
    this.#mutations = this.#mutations.filter(({ client }) => !gone.has(client.clientId));
    if (this.#advance !== null) this.#advance = withoutClients(this.#advance, gone);
    this.#renames.push({ type: 'rename', added, removed });
  }

  /** Removed, or called otherwise, by what waits. */
  get #gone(): ReadonlyMap<string, number> {
    const renamed = this.#renames.flatMap(({ removed }) => removed);
    return new Map([...this.#removed, ...renamed.map(({ clientId, lastMutationId }) => [clientId, lastMutationId] as const)]);
  }

  #noteRemoved(clients: readonly KnownClient[]): void {
    for (const { clientId, lastMutationId } of clients)
      this.#removed.set(clientId, Math.max(lastMutationId, this.#removed.get(clientId) ?? 0));
  }

  dismiss(keys: readonly string[], sinceMs: number): void {
    this.#restSinceMs ??= sinceMs;
    for (const key of keys) this.#dismissed.add(key);
  }

  /** They are handed over again, under the names they go by. What they were called before still has to go. */
  clearMutations(): void {
    this.#mutations = [];
  }

  clear(): void {
    this.#mutations.length = 0;
    this.#renames.length = 0;
    this.#advance = null;
    this.#image = null;
    this.#have = null;
    this.#removed.clear();
    this.#dismissed.clear();
    this.#skipped.clear();
    this.#restSinceMs = null;
  }

  /** Mutations that are not known to be on the disk. */
  get unsaved(): number {
    const renames = this.#underWay?.type === 'rename' ? [...this.#renames, this.#underWay] : this.#renames;
    const renamed = renames.flatMap(({ added }) => added).reduce((sum, { mutations }) => sum + mutations.length, 0);
    return this.#mutations.length + renamed + (this.#underWay?.type === 'enqueue' ? this.#underWay.mutations.length : 0);
  }

  get isEmpty(): boolean {
    return this.#mutations.length === 0 && this.#renames.length === 0 && this.#hasNoRest && this.#underWay === null;
  }

  get #hasNoRest(): boolean {
    const isSettled = this.#removed.size === 0 && this.#dismissed.size === 0;
    return isSettled && this.#advance === null && this.#image === null && this.#have === null;
  }

  /** When something is to be written; null: nothing waits. */
  dueMs({ mutationMs, restMs }: Patience): number | null {
    if (this.#renames.length > 0) return AT_ONCE;
    const first = this.#mutations[0];
    if (first === undefined) return this.#restSinceMs === null ? null : this.#restSinceMs + restMs;
    return Math.min(first.sinceMs + mutationMs, (this.#restSinceMs ?? Number.POSITIVE_INFINITY) + restMs);
  }

  /** The next one that is due, until `done` or `failed`. What is due takes along what is to be written before it. */
  next(nowMs: number, patience: Patience): Work | null {
    const dueMs = this.dueMs(patience);
    if (dueMs === null || dueMs > nowMs) return null;
    this.#underWay = this.#take();
    if (this.#hasNoRest) this.#restSinceMs = null;
    return this.#underWay;
  }

  #take(): Work | null {
    const rename = this.#renames.shift();
    if (rename !== undefined) return rename;
    const first = this.#mutations[0];
    // What is rejected stands in the list before its mutation goes.
    if (first !== undefined && this.#skipped.has(first.client.clientId) && (this.#advance?.rejections.length ?? 0) > 0)
      return this.#takeEnded();
    if (first !== undefined) return this.#takeMutations(first.client.clientId);
    if (this.#have !== null) {
      const have = this.#have;
      this.#have = null;
      return { type: 'drop', have };
    }
    // What is put aside of a client stands in the list when the client is gone: with it, since either write may fail, and nobody waits for one at the end.
    if (this.#removed.size > 0 && (this.#advance === null || this.#advance.rejections.length === 0))
      return { type: 'remove', clients: this.#takeRemoved() };
    if (this.#dismissed.size > 0) {
      const keys = this.#dismissed;
      this.#dismissed = new Set();
      // Not written after it.
      if (this.#advance !== null)
        this.#advance = { ...this.#advance, rejections: this.#advance.rejections.filter(({ key }) => !keys.has(key)) };
      return { type: 'dismiss', keys: [...keys] };
    }
    if (this.#image !== null && this.#removed.size === 0) {
      const image = this.#image;
      this.#image = null;
      return { type: 'image', image };
    }
    const advance = this.#advance;
    this.#advance = null;
    this.#skipped.clear();
    return advance === null ? null : { type: 'advance', advance, removed: this.#takeRemoved() };
  }

  #takeRemoved(): KnownClient[] {
    const removed = [...this.#removed].map(([clientId, lastMutationId]) => ({ clientId, lastMutationId }));
    this.#removed = new Map();
    return removed;
  }

  /** Without the word that those before them ended they would seem to have lost them. */
  #withEnded(client: StoredClient): StoredClient {
    const ended = this.#advance?.clients.findLast(({ clientId }) => clientId === client.clientId);
    if (ended === undefined || !this.#skipped.delete(client.clientId)) return client;
    const { confirmed, confirmedAt } = ended;
    return { ...client, confirmed, confirmedAt };
  }

  /** What has ended, apart from the commits that show it. */
  #takeEnded(): Work | null {
    const advance = this.#advance;
    this.#advance = null;
    this.#skipped.clear();
    if (advance === null) return null;
    if (advance.commits.length > 0) this.#advance = { ...advance, clients: [], rejections: [] };
    return { type: 'advance', advance: { ...advance, commits: [] }, removed: this.#takeRemoved() };
  }

  /** Of one client, in order, as far as they lie together. */
  #takeMutations(clientId: string): Work {
    const isOther = (entry: Queued): boolean => entry.client.clientId !== clientId;
    const other = this.#mutations.findIndex(isOther);
    const taken = this.#mutations.splice(0, Math.min(MUTATIONS_A_WRITE, other === -1 ? this.#mutations.length : other));
    const last = taken.at(-1);
    assert(last !== undefined, 'no mutation is left');
    return { type: 'enqueue', client: this.#withEnded(last.client), mutations: taken.map(({ mutation }) => mutation) };
  }

  done(): void {
    this.#underWay = null;
  }

  /** It comes again, before what came meanwhile. */
  failed(work: Work): void {
    this.#underWay = null;
    if (work.type !== 'enqueue' && work.type !== 'rename') this.#restSinceMs = AT_ONCE;
    switch (work.type) {
      case 'rename':
        this.#renames.unshift(work);
        return;
      case 'enqueue':
        if (this.#gone.has(work.client.clientId)) return;
        this.#mutations.unshift(...work.mutations.map((mutation) => ({ client: work.client, mutation, sinceMs: AT_ONCE })));
        return;
      case 'remove':
        return this.#noteRemoved(work.clients);
      case 'dismiss':
        for (const key of work.keys) this.#dismissed.add(key);
        return;
      case 'drop':
        this.#have ??= work.have;
        return;
      case 'image':
        if (this.#have === null) this.#image ??= work.image;
        return;
      case 'advance': {
        const later = this.#advance;
        this.#noteRemoved(work.removed);
        for (const { clientId } of work.advance.clients) this.#skipped.add(clientId);
        this.#advance = withoutClients(work.advance, this.#gone);
        if (this.#have !== null) this.dropCommits();
        if (later !== null) this.advance(later, AT_ONCE);
        return;
      }
    }
  }
}

function newestOf(clients: readonly StoredClient[]): StoredClient[] {
  const newest = new Map<string, StoredClient>();
  for (const client of clients) newest.set(client.clientId, client);
  return [...newest.values()];
}

const withoutClients = (advance: Advance, clientIds: ReadonlyMap<string, unknown>): Advance => ({
  ...advance,
  clients: advance.clients.filter(({ clientId }) => !clientIds.has(clientId)),
});
