import type { ErrorBody } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Rekeyed } from '../outbox/client-names.ts';
import type { Settled } from '../outbox/outbox.ts';
import type { ReplicaPosition } from '../replica/replica.ts';
import { VOID_MUTATOR } from '../outbox/outbox-client.ts';
import { Persistence } from '../storage/persistence.ts';
import { placeName } from '../storage/place-marks.ts';
import type { Advance, KnownClient, StoredOutbox, StoredReplica, StoredRoom } from '../storage/storage.ts';
import type { VersionAt } from '../tabs/sibling-mutations.ts';
import { ConfirmedPosts } from '../tabs/confirmed-posts.ts';
import { CompanyChannel } from '../tabs/company-channel.ts';
import { carryOver } from './carry-over.ts';
import { ClientGroups, groupToSpeakAs } from './client-group.ts';
import type { HeardCommit } from './commit-queue.ts';
import { DiskLook } from './disk-look.ts';
import { ElsewhereWord } from './elsewhere-word.ts';
import type { StoredNotice, ToldRejection } from './engine-storage.ts';
import { findLeft, type LeftSources } from './find-left.ts';
import type { LeftClient } from './join-names.ts';
import { byClient } from './left-client.ts';
import { HeardWords } from './heard-words.ts';
import { keepMissing } from './keep-missing.ts';
import { KeptRejections } from './kept-rejections.ts';
import { OtherTabs } from './other-tabs.ts';
import { PendingPosts } from './pending-posts.ts';
import type { StorageFlowOptions } from './storage-flow-options.ts';
import { StoredRows } from './stored-rows.ts';
import { takeTabMessage, type TabMessageTakers } from './take-tab-message.ts';
import { patienceOf } from './write-patience.ts';

/**
 * The room's way to the disk and to the other tabs: what is called, settled and shown here is kept and posted; what they call and settle is shown. A tab pushes
 * its own mutations and those of clients that nobody lives of any more (`adopt`).
 */
export class StorageFlow {
  readonly #options: StorageFlowOptions;
  /** What is kept, for what needs nothing of the tabs. */
  readonly disk: Persistence;
  /** What was put aside, for people to see. */
  readonly rejections: KeptRejections;
  #channel: CompanyChannel | null = null;
  readonly #ended: ConfirmedPosts;
  readonly #rows: StoredRows;
  #groupId: string | null = null;
  #isHidden = false;
  readonly #groups: ClientGroups;
  readonly #posts: PendingPosts;
  readonly #tabs: OtherTabs;
  readonly #elsewhere: ElsewhereWord;
  readonly #look: DiskLook;
  /** Version of their first welcome, as the disk was told of it. */
  readonly #welcomedAs = new Map<string, number>();
  readonly #heard = new HeardWords();
  /** For what other tabs say and for what they left. */
  readonly #parts: TabMessageTakers & LeftSources;

  constructor(options: StorageFlowOptions) {
    this.#options = options;
    this.#rows = new StoredRows(options);
    this.#posts = new PendingPosts(options.outbox, this.#rows, (message) => this.#channel?.post(message));
    this.#ended = new ConfirmedPosts(options.runtime, (message) => this.#channel?.post(message));
    this.#groups = new ClientGroups(options.speaksAs);
    this.#tabs = new OtherTabs(options, this.#groups, () => this.#look.later());
    this.#elsewhere = new ElsewhereWord(options.runtime, options.siblings, options.notices, options.wake);
    this.#look = this.#makeLook();
    this.disk = this.#makeDisk(options);
    this.rejections = new KeptRejections({
      disk: this.disk,
      notices: options.notices,
      post: (message) => this.#channel?.post(message),
      wake: options.wake,
    });
    this.#parts = {
      ...options,
      tabs: this.#tabs,
      groups: this.#groups,
      look: this.#look,
      disk: this.disk,
      rejections: this.rejections,
      sayAll: () => this.#sayAll(),
      forgotten: (isGone) => this.#forgotten(isGone),
    };
  }

  #makeDisk(options: StorageFlowOptions): Persistence {
    return new Persistence({
      runtime: options.runtime,
      storage: options.storage,
      place: options.place,
      groupId: options.groupId,
      isFrugal: options.isFrugal,
      under: options.under,
      patience: () => patienceOf(options.outbox.hasSession, this.#isHidden),
      ...(options.tailBytesMin === undefined ? {} : { tailBytesMin: options.tailBytesMin }),
      onStored: (clientId, ids) => {
        this.#tellStored(clientId, ids);
        options.wake();
      },
      onAdvanced: (advance) => this.#advanced(advance),
      onDismissed: () => this.rejections.dismissed(),
      onState: () => {
        this.#passHeard();
        if (!options.isInTurn()) options.wake();
      },
      onImageWanted: (reason) => options.onImageWanted(reason),
      onForgotten: () => this.#forgotten(true),
      onReopened: (stored, isFirst) => {
        if (!isFirst) return this.#keepAll(stored);
        const replica = this.#opened(stored);
        if (replica === null) options.onImageWanted('tail');
        else options.onLate(replica);
      },
    });
  }

  #makeLook(): DiskLook {
    const { runtime, siblings } = this.#options;
    return new DiskLook({
      runtime,
      siblings,
      outbox: () => this.disk.outbox(),
      onSeen: (kept) => this.#saw(kept),
      ask: () => this.#channel?.post({ type: 'who' }),
    });
  }

  /** Mutations on the disk that a newer build of the app called: left alone here. */
  get heldCount(): number {
    return this.#tabs.heldCount;
  }

  /** To speak as; null: nothing is kept, the page's own counts. */
  get groupId(): string | null {
    return this.#groupId;
  }

  /** Reads what is kept and shows what other tabs left or have pending. Resolves with the replica, if there is one. */
  async open(): Promise<StoredReplica | null> {
    const { openChannel, place } = this.#options;
    this.#channel = new CompanyChannel({
      openChannel,
      name: placeName(place),
      onMessage: (message) => message !== null && takeTabMessage(message, this.#parts),
      onCompany: () => this.#sayAll(),
    });
    const stored = await this.disk.open();
    this.#look.later();
    return stored === null ? null : this.#opened(stored);
  }

  #opened(stored: StoredRoom): StoredReplica | null {
    const { notices, wake } = this.#options;
    this.#groupId ??= groupToSpeakAs(stored);
    this.#look.saw(stored);
    this.#keepMissing(stored);
    notices.add({ type: 'kept', groupId: stored.groupId, clientIds: [...new Set(stored.mutations.map(({ clientId }) => clientId))] });
    this.#tabs.left(stored);
    this.rejections.opened(stored);
    this.#channel?.post({ type: 'who' });
    this.#elsewhere.again();
    wake();
    return stored.replica;
  }

  /** A mutation of this tab's was enqueued. */
  called(mutation: Mutation): void {
    this.#keep(mutation);
    this.#posts.called(mutation);
  }

  /** Counters were compared with the room: the disk says so of each client with something pending before it is pushed. */
  welcomed(): void {
    const { outbox } = this.#options;
    for (const [clientId, [mutation]] of byClient(outbox.pending())) {
      const welcomed = outbox.counters(clientId)?.welcomed ?? null;
      if (mutation === undefined || welcomed === null || this.#welcomedAs.get(clientId) === welcomed) continue;
      this.#welcomedAs.set(clientId, welcomed);
      this.#posts.post([mutation]);
      this.#keep(mutation, 'at once');
    }
    this.#want();
  }

  /** A tab that took something over and cannot push it does not keep it from this one. */
  #want(): void {
    const { outbox, siblings } = this.#options;
    const clientIds = outbox.hasSession ? siblings.clientIds().filter((clientId) => !outbox.has(clientId)) : [];
    if (clientIds.length > 0) this.#channel?.post({ type: 'wanted', clientIds });
  }

  /** The end of a turn. */
  flush(): void {
    this.#elsewhere.touch();
    this.#posts.flush();
  }

  /** What is pending goes by other names, here, on the disk and in other tabs. */
  renamed(rekeyed: readonly Rekeyed[]): void {
    if (rekeyed.length === 0) return;
    this.goesOnAs(
      rekeyed.map(({ to }) => to),
      rekeyed.map(({ clientId, to, offset }) => ({ clientId, lastMutationId: offset + this.#rows.known(to).lastMutationId })),
    );
  }

  /** What is pending of the one goes by no older name any more. */
  goesOnAs(clientIds: readonly string[], older: readonly KnownClient[]): void {
    const pending = this.#options.outbox.pending().filter(({ clientId }) => clientIds.includes(clientId));
    this.disk.rename(this.#rows.enqueued(pending), older);
    for (const { clientId } of older) this.#channel?.post({ type: 'confirmed', clientId, confirmed: Number.MAX_SAFE_INTEGER, at: null });
    this.#posts.post(pending);
  }

  /** The shown state moved on by `commits` to `position`, and these settled with it. */
  progress(position: ReplicaPosition, commits: readonly HeardCommit[], settled: readonly Settled[]): void {
    const at: VersionAt = { historyId: position.historyId, version: position.version };
    const clientIds = [...new Set(settled.map(({ mutation }) => mutation.clientId))];
    const clients = clientIds.map((clientId) => this.#rows.client(clientId, at));
    const rejections = settled.filter(({ error, isVoid }) => error !== null && !isVoid);
    if (commits.length > 0 || clients.length > 0)
      this.disk.advance(
        position.historyId,
        commits.map((commit) => ({ ...commit, view: position.view })),
        clients,
        rejections.map(({ mutation, error }) => this.#rows.rejection({ mutation, error, atMs: this.#options.runtime.nowMs() })),
      );
    for (const { clientId, confirmed } of clients) this.#ended.add(clientId, confirmed, at);
  }

  /** Of clients that nobody lives of any more, whatever their names: what is pending of those that are known (by now). */
  left(asked: readonly string[]): Promise<LeftClient[]> {
    return findLeft(asked, this.#parts);
  }

  /** Nothing more comes of these; they are listed as `error` says, but for those that were issued again. */
  dropped(clientId: string, mutations: readonly Mutation[], error: ErrorBody, again: readonly number[]): void {
    const [at, atMs] = [null, this.#options.runtime.nowMs()];
    const issued = new Set(again);
    const unknown = mutations.filter(({ name, mutationId }) => name !== VOID_MUTATOR && !issued.has(mutationId));
    this.#putAside(unknown.map((mutation) => ({ mutation, error, atMs })));
    this.removeLeft([{ clientId, lastMutationId: Math.max(this.#rows.known(clientId).lastMutationId, mutations.at(-1)?.mutationId ?? 0) }]);
    this.#channel?.post({ type: 'confirmed', clientId, confirmed: Number.MAX_SAFE_INTEGER, at });
  }

  /** They have ended without a commit of this engine's. */
  #putAside(rejections: readonly ToldRejection[]): void {
    this.disk.advance(
      '',
      [],
      [],
      rejections.map((told) => this.#rows.rejection(told)),
    );
  }

  /** Rejections that an earlier engine of this page told of. Before `open`: hello says how far the room was heard. */
  carriedOver(rejections: readonly ToldRejection[]): void {
    carryOver({ ...this.#options, heard: this.#heard, rows: this.#rows, disk: this.disk }, rejections);
  }

  /** The page was told up to there. */
  heard(clientId: string, upTo: number): void {
    this.#heard.said(clientId, upTo);
    this.#passHeard();
  }

  #passHeard(): void {
    const due = this.#heard.due(this.disk.state.status);
    for (const { clientId, upTo } of due) this.#options.outbox.heard(clientId, upTo);
    if (due.length > 0) this.#options.wake();
  }

  #advanced({ clients, rejections }: Pick<Advance, 'clients' | 'rejections'>): void {
    for (const { clientId, confirmed } of clients) this.#heard.ended(clientId, confirmed);
    this.#passHeard();
    for (const [clientId, mutations] of byClient(rejections.map(({ mutation }) => mutation)))
      this.#tellStored(
        clientId,
        mutations.map(({ mutationId }) => mutationId),
        { areRejected: true },
      );
    if (rejections.length === 0) return;
    this.rejections.written(rejections);
    this.#options.wake();
  }

  /** While nobody looks at the page it may be gone in a moment. */
  set isHidden(isHidden: boolean) {
    this.#isHidden = isHidden;
    if (isHidden) this.disk.hurry();
  }

  /** Nothing is pending of them, and nobody mints under their names any more. */
  removeClients(clientIds: readonly string[]): void {
    this.removeLeft(clientIds.map((clientId) => this.#rows.known(clientId)));
  }

  /** As `removeClients`, of clients that are nobody's. */
  removeLeft(clients: readonly KnownClient[]): void {
    if (clients.length > 0) this.disk.removeClients(clients);
  }

  close(): void {
    this.#look.close();
    this.rejections.close();
    this.#elsewhere.close();
    this.#ended.flush();
    this.#channel?.close();
    this.#channel = null;
    this.disk.close();
  }

  #keepMissing(stored: StoredRoom): void {
    const { outbox, shown } = this.#options;
    const options = {
      outbox,
      keep: (mutation: Mutation) => this.#keep(mutation),
      isKept: ({ clientId, mutationId }: Mutation) => this.#tellStored(clientId, [mutationId]),
      keepEnded: (clientIds: readonly string[]) =>
        this.disk.advance(
          '',
          [],
          clientIds.map((clientId) => this.#rows.client(clientId, shown())),
          [],
        ),
    };
    keepMissing(options, stored);
  }

  #tellStored(clientId: string, ids: readonly number[], what: Pick<StoredNotice, 'areRejected'> = {}): void {
    this.#options.notices.add({ type: 'stored', clientId, from: Math.min(...ids), upTo: Math.max(...ids), ...what });
  }

  #keepAll(stored: StoredRoom): void {
    this.#look.saw({ clients: [] });
    this.rejections.opened({ ...stored, isNew: true, damage: [] });
    for (const mutation of this.#options.outbox.pending()) this.#keep(mutation);
    this.#options.onImageWanted('tail');
  }

  #sayAll(): void {
    this.#ended.again();
    this.#posts.post(this.#options.outbox.pending());
  }

  /** `isGone`: a page that was loaded since may have been told of what was pending here, and would take it over. */
  #forgotten(isGone: boolean): void {
    this.#look.close();
    const clientIds = isGone ? new Set(this.#options.outbox.pending().map(({ clientId }) => clientId)) : [];
    for (const clientId of clientIds) this.#channel?.post({ type: 'confirmed', clientId, confirmed: Number.MAX_SAFE_INTEGER, at: null });
    this.#channel?.close();
    this.#channel = null;
    this.#options.notices.add({ type: 'forgotten' });
    this.#options.wake();
  }

  #saw(kept: StoredOutbox): void {
    this.#channel?.ask();
    this.#tabs.again();
    this.#options.onSeen(this.#tabs.withoutNewer(kept));
    void this.rejections.look();
    this.#tabs.left(kept);
    this.#want();
  }

  #keep(mutation: Mutation, when?: 'at once'): void {
    this.disk.enqueue(this.#rows.client(mutation.clientId, null), this.#rows.mutation(mutation), when);
  }
}
