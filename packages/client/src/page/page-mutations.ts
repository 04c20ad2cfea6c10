import { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { ClientStoppedNotice, EngineClient, RekeyedNotice, SettledNotice } from '../sync/engine-interface.ts';
import type { EnginePort, MutateAnswer } from '../worker/engine-port.ts';
import { ConfirmedMutations } from './confirmed-mutations.ts';
import { TrackedMutation } from './mutation-handle.ts';
import type { MutationStatus } from './mutation-handle.ts';
import { Observable } from './observable.ts';
import type { Readable } from './observable.ts';

/** Mutations handed to the engine in one call; small enough that a mutation called meanwhile waits for few. */
const BATCH_MAX = 50;
/** Rejected, failed, unknown and lost mutations kept to be looked at; the oldest are dropped from the list past it. */
const REJECTED_MAX = 1_000;

/** One line of `room.pending` and `room.rejected`. */
export interface MutationLine {
  /** For lists, and for `dismiss`: stays what it is while the mutation lives. */
  readonly key: number;
  readonly name: string;
  readonly args: Json;
  readonly status: MutationStatus;
  /** Wall time of the call, in ms. */
  readonly calledAtMs: number;
  /** Why it is on the list of rejected ones; null on the list of pending ones. */
  readonly error: AlcoveError | null;
}

/**
 * A page's mutations from the call to their fate. The page mints ids, one engine call at a time: an id is used again only for a mutation that was not taken, so
 * ids have no gaps, and an engine that died is handed the same mutations under the same ids.
 */
export class PageMutations {
  /** Its lines are made when somebody looks: with thousands pending a list a turn would cost more than the mutations. */
  readonly pending: Readable<readonly MutationLine[]> = {
    subscribe: (listener) => this.#changes.subscribe(listener),
    getSnapshot: () => (this.#lines ??= this.#undecidedOnes().map(lineOf)),
  };
  readonly rejected = new Observable<readonly MutationLine[]>([]);
  readonly #changes = new Observable(0);
  #lines: readonly MutationLine[] | null = null;
  readonly #runtime: Runtime;
  #client: EngineClient;
  #lastCallId = 0;
  /** Called and without an id. */
  #waiting: TrackedMutation[] = [];
  /** Handed to the engine under this client and not answered: ids follow on `#client.lastMutationId`. */
  #handed: TrackedMutation[] = [];
  #handedClientId = '';
  /** Why the client before this one was stopped. */
  #stopError = new AlcoveError('client_unknown', 'the client was stopped');
  /** Taken by the engine, by id, per client: of this page's own and of those it was renamed from. */
  readonly #taken = new Map<string, Map<number, TrackedMutation>>();
  readonly #confirmed = new ConfirmedMutations();
  #port: EnginePort | null = null;
  #listsStale = false;

  constructor(runtime: Runtime, clientId: string) {
    this.#runtime = runtime;
    this.#client = { clientId, lastMutationId: 0, confirmed: 0, welcomed: null };
  }

  get clientId(): string {
    return this.#client.clientId;
  }

  /** Not known to have been decided by the room. */
  get undecided(): number {
    return this.#waiting.length + this.#handed.length + [...this.#taken.values()].reduce((sum, byId) => sum + byId.size, 0);
  }

  call(name: string, args: Json): TrackedMutation {
    const mutation = new TrackedMutation({
      callId: ++this.#lastCallId,
      name,
      args,
      seed: this.#runtime.newId(),
      nowMs: this.#runtime.nowMs(),
    });
    this.#waiting.push(mutation);
    this.#touch();
    this.#hand();
    return mutation;
  }

  /** A call that goes nowhere: it is on the list of failed ones like any other. */
  refuse(name: string, args: Json, error: AlcoveError): TrackedMutation {
    const mutation = new TrackedMutation({ callId: ++this.#lastCallId, name, args, seed: '', nowMs: this.#runtime.nowMs() });
    this.#end(mutation, 'failed', error);
    return mutation;
  }

  /** What a new engine is opened with. */
  carryOver(): { clients: EngineClient[]; mutations: Mutation[] } {
    const mutations = [...(this.#taken.get(this.#client.clientId) ?? [])].map(([mutationId, mutation]) =>
      this.#minted(mutation, mutationId),
    );
    const known = this.#client.lastMutationId > 0 || this.#client.welcomed !== null;
    return { clients: known ? [this.#client] : [], mutations };
  }

  attach(port: EnginePort): void {
    this.#port = port;
    const settled = this.#handed.findIndex(({ status }) => status === 'waiting');
    const settledCount = settled === -1 ? this.#handed.length : settled;
    this.#client = { ...this.#client, lastMutationId: this.#client.lastMutationId + settledCount };
    // What a dead engine left unanswered is handed over again, under the same ids.
    this.#waiting = [...this.#handed.slice(settledCount), ...this.#waiting];
    this.#handed = [];
    this.#hand();
  }

  detach(): void {
    this.#port = null;
  }

  /** The engine died of this mutation's run. Where it was not taken yet it fails and is not run again; returns whether. */
  blame(clientId: string, mutationId: number, error: AlcoveError): boolean {
    if (clientId !== this.#client.clientId) return false;
    const [mutation] = this.#handed.splice(
      Math.max(0, mutationId - this.#client.lastMutationId - 1),
      mutationId > this.#client.lastMutationId ? 1 : 0,
    );
    if (mutation === undefined) return false;
    this.#end(mutation, 'failed', error);
    return true;
  }

  /** Everything that has no fate yet ends with `error`: the room is closed. */
  endAll(error: AlcoveError): void {
    const open = [...this.#waiting, ...this.#handed, ...[...this.#taken.values()].flatMap((byId) => [...byId.values()])];
    this.#waiting = [];
    this.#handed = [];
    this.#taken.clear();
    for (const mutation of open) mutation.ended('unknown', error);
    this.#touch();
  }

  welcomed(version: number): void {
    // Lower only where the room went on under another history.
    this.#client = { ...this.#client, welcomed: Math.min(this.#client.welcomed ?? version, version) };
  }

  settled(notice: SettledNotice): void {
    if (notice.clientId === this.#client.clientId) {
      this.#client = { ...this.#client, confirmed: Math.max(this.#client.confirmed, notice.mutationId) };
    }
    // Of a mutation of another page (an adopted one) too: this page is where it is told.
    if (notice.outcome === 'rejected') this.#port?.tell({ type: 'heard', clientId: notice.clientId, upTo: notice.mutationId });
    const mutation = this.#settling(notice.clientId, notice.mutationId);
    if (mutation === undefined) return;
    if (notice.outcome === 'applied') {
      mutation.applied(notice.version);
      this.#confirmed.remember(notice.clientId, notice.mutationId, mutation);
    } else
      this.#end(
        mutation,
        'rejected',
        notice.error === null ? new AlcoveError('internal', 'rejected without a reason') : AlcoveError.fromBody(notice.error),
      );
    this.#touch();
  }

  /** The room lost the tail of a client's mutations: those it had confirmed are told as lost, the others go on under another name. */
  rekeyed({ clientId, to, offset, roomHas }: RekeyedNotice): void {
    for (const mutation of this.#confirmed.takeLost(clientId, roomHas)) {
      const error = new AlcoveError('history_lost', `the room was restored to a state without ${mutation.name}, which it had confirmed`, {
        hint: 'Look at the room and decide whether to call it again.',
      });
      mutation.lost(error);
      this.#list(mutation, 'lost', error);
    }
    const byId = this.#taken.get(clientId);
    this.#taken.delete(clientId);
    const renamed = this.#takenOf(to);
    for (const [mutationId, mutation] of byId ?? []) renamed.set(mutationId - offset, mutation);
    if (clientId !== this.#client.clientId) return;
    this.#handedClientId = to;
    this.#client = { clientId: to, lastMutationId: this.#client.lastMutationId - offset, confirmed: 0, welcomed: this.#client.welcomed };
  }

  /** What was pending of that client has an unknown outcome; new calls go on under a client of their own. */
  stopped({ clientId, error }: ClientStoppedNotice): void {
    const byId = this.#taken.get(clientId);
    this.#taken.delete(clientId);
    for (const mutation of byId?.values() ?? []) this.#end(mutation, 'unknown', AlcoveError.fromBody(error));
    this.#port?.tell({ type: 'discard', clientId });
    if (clientId === this.#client.clientId) {
      this.#stopError = AlcoveError.fromBody(error);
      this.#client = { clientId: this.#runtime.newId(), lastMutationId: 0, confirmed: 0, welcomed: null };
      this.#port?.tell({ type: 'adopt', clients: [this.#client], mutations: [] });
    }
    this.#touch();
  }

  /** Takes a line off the list of rejected ones. */
  dismiss(key: number): void {
    this.rejected.set(this.rejected.getSnapshot().filter((line) => line.key !== key));
  }

  #hand(): void {
    const port = this.#port;
    if (port === null || this.#handed.length > 0 || this.#waiting.length === 0) return;
    this.#handed = this.#waiting.splice(0, BATCH_MAX);
    this.#handedClientId = this.#client.clientId;
    const first = this.#client.lastMutationId + 1;
    const batch = this.#handed.map((mutation, index) => this.#minted(mutation, first + index));
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
    const batch = this.#handed;
    this.#handed = [];
    if (this.#handedClientId !== this.#client.clientId) return this.#answeredLate(batch, answer);
    const taken = this.#takenOf(this.#client.clientId);
    const first = this.#client.lastMutationId + 1;
    for (const [index, mutation] of batch.slice(0, answer.taken).entries()) {
      // The room's word may have come first: answers and notices travel on ports of their own.
      if (mutation.status !== 'waiting') continue;
      taken.set(first + index, mutation);
      mutation.ran();
    }
    this.#client = { ...this.#client, lastMutationId: this.#client.lastMutationId + answer.taken };
    if (answer.error !== null) {
      const failed = batch[answer.taken];
      if (failed !== undefined) this.#end(failed, 'failed', AlcoveError.fromBody(answer.error));
      this.#waiting = [...batch.slice(answer.taken + 1), ...this.#waiting];
    }
    this.#touch();
    this.#hand();
  }

  /** The client was stopped while they were on their way: what was taken shared its end, the rest goes on under the client of now. */
  #answeredLate(batch: readonly TrackedMutation[], { taken }: MutateAnswer): void {
    for (const mutation of batch.slice(0, taken)) if (mutation.status === 'waiting') this.#end(mutation, 'unknown', this.#stopError);
    this.#waiting = [...batch.slice(taken), ...this.#waiting];
    this.#touch();
    this.#hand();
  }

  /** The mutation of that name, off the list of those taken; one whose answer is still on its way stays in its batch. */
  #settling(clientId: string, mutationId: number): TrackedMutation | undefined {
    const byId = this.#taken.get(clientId);
    const taken = byId?.get(mutationId);
    if (taken === undefined)
      return clientId === this.#client.clientId ? this.#handed[mutationId - this.#client.lastMutationId - 1] : undefined;
    byId?.delete(mutationId);
    return taken;
  }

  #takenOf(clientId: string): Map<number, TrackedMutation> {
    const known = this.#taken.get(clientId);
    if (known !== undefined) return known;
    const byId = new Map<number, TrackedMutation>();
    this.#taken.set(clientId, byId);
    return byId;
  }

  #end(mutation: TrackedMutation, status: 'failed' | 'rejected' | 'unknown', error: AlcoveError): void {
    mutation.ended(status, error);
    this.#list(mutation, status, error);
  }

  #list(mutation: TrackedMutation, status: MutationStatus, error: AlcoveError): void {
    const line: MutationLine = {
      key: mutation.callId,
      name: mutation.name,
      args: mutation.args,
      status,
      calledAtMs: mutation.nowMs,
      error,
    };
    this.rejected.set([...this.rejected.getSnapshot(), line].slice(-REJECTED_MAX));
  }

  /** Whoever looks at the list is told at most once per turn. */
  #touch(): void {
    if (this.#listsStale) return;
    this.#listsStale = true;
    queueMicrotask(() => {
      this.#listsStale = false;
      this.#lines = null;
      this.#changes.set(this.#changes.getSnapshot() + 1);
    });
  }

  /** In the order of the calls. */
  #undecidedOnes(): TrackedMutation[] {
    const taken = [...this.#taken.values()].flatMap((byId) => [...byId.values()]);
    return [...taken, ...this.#handed.filter(({ status }) => status === 'waiting'), ...this.#waiting];
  }

  #minted(mutation: TrackedMutation, mutationId: number): Mutation {
    return {
      clientId: this.#client.clientId,
      mutationId,
      name: mutation.name,
      args: mutation.args,
      seed: mutation.seed,
      nowMs: mutation.nowMs,
    };
  }
}

const lineOf = (mutation: TrackedMutation): MutationLine => ({
  key: mutation.callId,
  name: mutation.name,
  args: mutation.args,
  status: mutation.status,
  calledAtMs: mutation.nowMs,
  error: mutation.error,
});
