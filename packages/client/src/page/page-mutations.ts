import { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { MutationName } from '../outbox/client-names.ts';
import type { AttemptedNotice, ClientStoppedNotice, EngineClient, RekeyedNotice, SettledNotice } from '../sync/engine-interface.ts';
import { type AdoptedNotice, type DismissedNotice, rejectionKey, type RestoredNotice, type StoredNotice } from '../sync/engine-storage.ts';
import type { EnginePort, MutateAnswer } from '../worker/engine-port.ts';
import { AdoptedClients } from './adopted-clients.ts';
import { CondemnedMutations } from './condemned-mutations.ts';
import { ConfirmedMutations } from './confirmed-mutations.ts';
import { LazyList } from './lazy-list.ts';
import { TrackedMutation } from './mutation-handle.ts';
import { lineOf, type MutationLine } from './mutation-line.ts';
import type { Readable } from './observable.ts';
import { freshClient, OutgoingCalls } from './outgoing-calls.ts';
import { RejectedMutations } from './rejected-mutations.ts';
import { SavedMutations } from './saved-mutations.ts';
import { sortStopped } from './sort-stopped.ts';
import { minted, TakenMutations } from './taken-mutations.ts';

/**
 * A page's mutations from the call to their fate: on their way into the engine, taken by it and undecided, then confirmed, rejected or whatever else came of them.
 */
export class PageMutations {
  readonly pending = new LazyList(() => this.#undecidedOnes().map(lineOf));
  readonly applied = new LazyList(() => this.#confirmed.newest());
  readonly rejected: Readable<readonly MutationLine[]>;
  readonly #rejected = new RejectedMutations((keys) => this.#port?.tell({ type: 'dismiss', keys }));
  readonly #runtime: Runtime;
  readonly #calls: OutgoingCalls;
  #lastCallId = 0;
  /** Why the client before this one was stopped. */
  #stopError = new AlcoveError('client_unknown', 'the client was stopped');
  readonly #taken = new TakenMutations();
  readonly #confirmed = new ConfirmedMutations();
  readonly #adopted = new AdoptedClients();
  readonly #condemned = new CondemnedMutations();
  readonly #saved: SavedMutations;
  readonly #isIdempotent: (name: string) => boolean;
  #port: EnginePort | null = null;

  /** `isKept`: the outbox is on a disk. `isIdempotent`: whether the mutator of that name says so. */
  constructor(runtime: Runtime, clientId: string, isKept = false, isIdempotent: (name: string) => boolean = () => false) {
    this.#runtime = runtime;
    this.#saved = new SavedMutations(this.#taken, isKept);
    this.#isIdempotent = isIdempotent;
    this.rejected = this.#rejected.list;
    this.#calls = new OutgoingCalls(clientId);
  }

  get clientId(): string {
    return this.#calls.client.clientId;
  }

  /** Not known to have been decided by the room. */
  get undecided(): number {
    return this.untaken.length + this.#taken.size;
  }

  /** Those that no engine is known to have, in order. */
  get untaken(): TrackedMutation[] {
    return this.#calls.untaken;
  }

  /** Clients this page speaks for, and those of them with something pending on the disk. */
  spokenFor(): [own: readonly string[], withKept: readonly string[]] {
    const { clientIds } = this.#taken;
    // In order: where the oldest is not there yet, nothing is.
    return [[this.clientId, ...clientIds], clientIds.filter((clientId) => this.#taken.first(clientId)?.isSaved === true)];
  }

  /** What leaving the page now would lose. */
  get unsaved(): number {
    if (!this.#saved.isKept) return this.undecided;
    return this.untaken.length + this.#taken.all().filter(({ isSaved }) => !isSaved).length;
  }

  call(name: string, args: Json): TrackedMutation {
    const mutation = new TrackedMutation({
      callId: ++this.#lastCallId,
      name,
      args,
      seed: this.#runtime.newId(),
      nowMs: this.#runtime.nowMs(),
    });
    this.#calls.add(mutation);
    this.pending.touch();
    this.#hand();
    return mutation;
  }

  /** Calls go on under a client of their own, whose name is given; nothing is undecided. */
  startOver(): string {
    this.#calls.become(freshClient(this.#runtime.newId()));
    return this.clientId;
  }

  /** A call that goes nowhere: it is on the list of failed ones like any other. */
  refuse(name: string, args: Json, error: AlcoveError): TrackedMutation {
    const mutation = new TrackedMutation({ callId: ++this.#lastCallId, name, args, seed: '', nowMs: this.#runtime.nowMs() });
    this.#end(mutation, 'failed', error);
    return mutation;
  }

  /** What a new engine is opened with. */
  carryOver(): { clients: EngineClient[]; mutations: Mutation[]; condemned: MutationName[] } {
    const { client } = this.#calls;
    const isKnown = client.lastMutationId > 0 || client.welcomed !== null;
    const clients = [...(isKnown ? [client] : []), ...this.#adopted.all()];
    const mutations = clients.flatMap(({ clientId }) => this.#taken.minted(clientId));
    return { clients, mutations, condemned: this.#condemned.names() };
  }

  /** They are on the disk. */
  stored(notice: StoredNotice): void {
    this.#rejected.written(this.#saved.stored(notice));
    this.pending.touch();
  }

  /** They were sent in vain. */
  attempted({ clientId, from, upTo, error }: AttemptedNotice): void {
    const why = error === null ? null : AlcoveError.fromBody(error);
    for (const mutation of this.#taken.between(clientId, from, upTo)) mutation.attempted(why);
    this.pending.touch();
  }

  /** Nothing is kept (any more): what is in the outbox is as safe as it gets. */
  keepNothing(): void {
    this.#saved.keepNothing();
    this.pending.touch();
  }

  /** What an earlier page load left is told of here. */
  adopted({ clientId, lastMutationId, confirmed, welcomed, mutations }: AdoptedNotice): void {
    if (mutations.length === 0) return;
    this.#adopted.extend({ clientId, lastMutationId, confirmed, welcomed });
    const taken = this.#taken.of(clientId);
    for (const { mutationId, name, args, seed, nowMs } of mutations) {
      const mutation = new TrackedMutation({ callId: ++this.#lastCallId, name, args, seed, nowMs });
      mutation.saved();
      const why = this.#condemned.errorOf({ clientId, mutationId });
      if (why !== null) mutation.condemn(why);
      taken.set(mutationId, mutation);
    }
    this.pending.touch();
  }

  /** What these page loads left is another page's to tell of, where the disk has all of it. Gives those that were this one's; its engine has them still. */
  letGo(clientIds: readonly string[]): string[] {
    const gone = this.#adopted.letGo(clientIds, this.#taken);
    if (gone.length > 0) this.pending.touch();
    return gone;
  }

  restored({ rejections, onDisk }: Pick<RestoredNotice, 'rejections' | 'onDisk'>): void {
    this.#rejected.restore(rejections, () => ++this.#lastCallId, onDisk);
  }

  /** In another tab. */
  dismissed({ keys }: DismissedNotice): void {
    this.#rejected.takeOff(keys);
  }

  attach(port: EnginePort): void {
    this.#port = port;
    this.#calls.again();
    this.#hand();
  }

  /** Before the engine is started: what it says to the room first depends on it. */
  handOver(port: EnginePort): void {
    const rejections = this.#saved.unkept().filter(({ mutation }) => !this.#rejected.wasDismissed(rejectionKey(mutation)));
    if (rejections.length > 0) port.tell({ type: 'putAside', rejections });
  }

  detach(): void {
    this.#port = null;
  }

  /**
   * The engine died of this mutation's run. Where it is not known to be taken it fails; its id is spent: what the page knows of the engine's last moments may be
   * older than they were, and the room may have it. What is in an outbox, another tab's too, stays there and is the room's to decide. Returns whether it is not
   * run again.
   */
  blame(name: MutationName, error: AlcoveError): boolean {
    const { clientId, mutationId } = name;
    const mutation = this.#calls.handedAs(name);
    if (mutation?.status === 'waiting') {
      this.#end(mutation, 'failed', error);
      return true;
    }
    if (!this.#condemned.add(name, error)) return false;
    for (const taken of this.#taken.between(clientId, mutationId, mutationId)) taken.condemn(error);
    this.pending.touch();
    return true;
  }

  /** Everything that has no fate yet ends with `error`: the room is closed. `isListed`: people are to see it among what came to nothing. */
  endAll(error: AlcoveError, isListed = false): void {
    const open = this.#undecidedOnes();
    this.#calls.clear();
    this.#taken.clear();
    for (const mutation of open)
      if (isListed) this.#end(mutation, 'unknown', error);
      else mutation.ended('unknown', error, this.#runtime.nowMs());
    this.#saved.endAll(error);
    this.pending.touch();
  }

  welcomed(version: number): void {
    this.#calls.welcomed(version);
    this.#adopted.welcomed(version);
  }

  settled(notice: SettledNotice): void {
    this.#calls.decided(notice);
    this.#adopted.settled(notice);
    this.#condemned.settle(notice);
    // Of a mutation of another page (an adopted one) too: this page is where it is told.
    if (notice.outcome === 'rejected') this.#port?.tell({ type: 'heard', clientId: notice.clientId, upTo: notice.mutationId });
    // One whose answer is still on its way stays in its batch.
    const mutation = this.#taken.settle(notice.clientId, notice.mutationId) ?? this.#calls.handedAs(notice);
    if (mutation === undefined) return;
    if (notice.outcome === 'applied') {
      mutation.applied(notice.version, this.#runtime.nowMs());
      this.#confirmed.remember(notice.clientId, notice.mutationId, mutation);
      this.applied.touch();
    } else this.#rejectedBy(notice, mutation);
    this.pending.touch();
  }

  #rejectedBy({ clientId, mutationId, error }: SettledNotice, mutation: TrackedMutation): void {
    const why = error === null ? new AlcoveError('internal', 'rejected without a reason') : AlcoveError.fromBody(error);
    this.#end(mutation, 'rejected', why, rejectionKey({ clientId, mutationId }));
    this.#saved.rejected(clientId, mutationId, mutation);
  }

  /** The room lost the tail of a client's mutations: those it had confirmed are told as lost, the others go on under another name. */
  rekeyed({ clientId, to, offset, roomHas }: RekeyedNotice): void {
    for (const mutation of this.#confirmed.takeLost(clientId, roomHas)) {
      const error = new AlcoveError('history_lost', `the room was restored to a state without ${mutation.name}, which it had confirmed`, {
        hint: 'Look at the room and decide whether to call it again.',
      });
      mutation.lost(error, this.#runtime.nowMs());
      this.#rejected.add(mutation, null);
      this.applied.touch();
    }
    this.#taken.rename(clientId, to, offset);
    this.#adopted.rename(clientId, to, offset);
    this.#condemned.rename(clientId, to, offset);
    this.#calls.rename(clientId, to, offset);
  }

  /**
   * What was pending of that client is issued again under another one, in order, where its mutators are idempotent; the rest has an unknown outcome. New calls
   * go on under a client of their own. Gives the client that was made, if one was.
   */
  stopped(notice: ClientStoppedNotice): string | null {
    const { clientId, error } = notice;
    const isOwn = clientId === this.clientId;
    const taken = this.#taken.remove(clientId);
    // What its engine had taken of the batch whose answer is on its way, by its own word.
    for (const { mutationId } of notice.mutations) {
      const mutation = this.#calls.handedAs({ clientId, mutationId });
      if (mutation?.status === 'waiting') taken.set(mutationId, mutation);
    }
    this.#adopted.remove(clientId);
    this.#condemned.remove(clientId);
    const { again, unknown } = sortStopped(taken, this.#isIdempotent);
    for (const [mutationId, mutation] of unknown)
      this.#end(mutation, 'unknown', AlcoveError.fromBody(error), rejectionKey({ clientId, mutationId }));
    const made = isOwn || again.length > 0 ? this.#issueAgain(again.map(([, mutation]) => mutation)) : null;
    if (isOwn && made !== null) {
      this.#stopError = AlcoveError.fromBody(error);
      this.#calls.become(made);
    } else if (made !== null) this.#adopted.add(made);
    this.#port?.tell({ type: 'discard', clientId, again: again.map(([mutationId]) => mutationId) });
    this.pending.touch();
    return made?.clientId ?? null;
  }

  /** Under a client of their own, which the engine is told of. */
  #issueAgain(mutations: readonly TrackedMutation[]): EngineClient {
    const client = freshClient(this.#runtime.newId(), mutations.length);
    const taken = this.#taken.of(client.clientId);
    for (const [index, mutation] of mutations.entries()) {
      mutation.again();
      taken.set(index + 1, mutation);
    }
    const issued = mutations.map((mutation, index) => minted(mutation, client.clientId, index + 1));
    this.#port?.tell({ type: 'adopt', clients: [client], mutations: issued });
    return client;
  }

  /** Takes a line off the list of rejected ones, and off the disk when `after` is fulfilled. */
  dismiss(key: number, after?: Promise<unknown>): void {
    const keptAs = this.#rejected.dismiss(key);
    const dismissKept = (): void => void (keptAs === null || this.#port?.tell({ type: 'dismiss', keys: [keptAs] }));
    if (after === undefined) return dismissKept();
    after.then(dismissKept, () => undefined); // else it stays there
  }

  #hand(): void {
    const port = this.#port;
    const batch = port === null ? null : this.#calls.next();
    if (port === null || batch === null) return;
    port.mutate(batch).then(
      (answer) => {
        if (this.#port === port) this.#answered(answer);
      },
      (error: unknown) => {
        // A dead engine is followed by `attach`; while this port lives the engine is not there (closed) and says so to each of them.
        if (this.#port === port && AlcoveError.from(error).code !== 'worker_failed')
          this.#answered({ taken: 0, error: AlcoveError.from(error).toBody() });
      },
    );
  }

  #answered(answer: MutateAnswer): void {
    const { clientId } = this;
    const { taken, stopped, failed } = this.#calls.answered(answer);
    for (const [mutationId, mutation] of taken) {
      this.#taken.of(clientId).set(mutationId, mutation);
      mutation.ran();
      this.#saved.taken(clientId, mutationId, mutation);
    }
    for (const mutation of stopped) this.#end(mutation, 'unknown', this.#stopError);
    if (failed !== null) this.#end(failed.mutation, 'failed', AlcoveError.fromBody(failed.error));
    this.pending.touch();
    this.#hand();
  }

  #end(mutation: TrackedMutation, status: 'failed' | 'rejected' | 'unknown', error: AlcoveError, keptAs: string | null = null): void {
    mutation.ended(status, error, this.#runtime.nowMs());
    this.#rejected.add(mutation, keptAs);
  }

  /** In the order of the calls. */
  #undecidedOnes(): TrackedMutation[] {
    return [...this.#taken.all(), ...this.untaken];
  }
}
