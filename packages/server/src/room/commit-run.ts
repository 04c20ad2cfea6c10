import { refuseOversize } from '@alcove/core/change/capture';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { EMPTY_CHANGE_SET } from '@alcove/core/change/change-set';
import { mergeChangeSets } from '@alcove/core/change/merge';
import { encodeRecord } from '@alcove/core/change/record-codec';
import { AlcoveError } from '@alcove/core/error';
import { runMutation } from '@alcove/core/mutation/run-mutation';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { writeWithTx } from '@alcove/core/sqlite/mutator-tx';
import { isAllowed } from '../access/access.ts';
import type { Ack } from '../change-log/ack.ts';
import type { AppendedEntry } from '../change-log/change-log.ts';
import type { CounterOwner } from '../ephemeral/counter-rows.ts';
import type { ValueWrites } from '../ephemeral/debounced-values.ts';
import type { ClientRow } from './client-rows.ts';
import { keyClientId, SERVER_GROUP, slackMs } from './client-rows.ts';
import type { RoomParts } from './room-parts.ts';
import type { CallWork, MutationWork, Outcome, TransactWork, Work } from './work.ts';
import { failureKind, refusalKey } from './work.ts';

/** A version as it was written; not yet durable. */
export interface MadeVersion extends AppendedEntry {
  readonly schema: string;
  readonly atMs: number;
  readonly acks: readonly Ack[];
  readonly changeSet: ChangeSet;
  /** Client group of each client in `acks`. */
  readonly groups: ReadonlyMap<string, string>;
}

/** The room's own name among clients, where a call has no idempotency key: its mutations are never sent again. */
export const serverClientId = (boot: string): string => `$server:${boot}`;

type Effect = () => void | Promise<void>;

/** Longest text of a rejection that is stored and sent. */
const REJECTION_CHARACTERS_MAX = 1_000;

/**
 * The work of one transaction, from inside it: `run` each piece, then `finish`. Everything a version consists of (rows, acks, counters, rejections, log) is
 * written by that one transaction or not at all. What it throws means that the transaction must not be committed.
 */
export class CommitRun {
  readonly outcomes: Outcome[] = [];
  readonly afterCommit: Effect[] = [];
  readonly version: number;
  readonly #parts: RoomParts;
  readonly #nowMs: number;
  readonly #acks: Ack[] = [];
  /** Rows of clients as this transaction leaves them. */
  readonly #rows = new Map<string, ClientRow>();
  readonly #gone = new Set<string>();
  readonly #rejections = new Map<string, number>();
  /** By `refusalKey`: of these nothing more is taken, one refusal covers all that follow. */
  readonly #refused: Set<string>;
  #values: ValueWrites | null = null;
  /** What ran so far, where each mutation is looked at by itself. */
  readonly #judged: ChangeSet[] = [];
  /** Rows captured so far; undefined where something ran since that was not counted. */
  #rowsCaptured: number | undefined = 0;

  constructor(parts: RoomParts, refused: Set<string>) {
    this.#parts = parts;
    this.#refused = refused;
    this.#nowMs = parts.runtime.nowMs();
    this.version = parts.log.head.version + 1;
  }

  get values(): ValueWrites | null {
    return this.#values;
  }

  /** @param rejection Where the work is known to fail only with the COMMIT: it is not run, its rejection is recorded. */
  run(work: Work, rejection: AlcoveError | null = null): void {
    switch (work.kind) {
      case 'mutation':
        return this.#mutation(work, rejection);
      case 'call':
        return this.#call(work, rejection);
      case 'transact':
        return this.#transact(work, rejection);
    }
  }

  /** Writes debounced values, and remembers the clients whose counters became part of them. */
  writeValues(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#values = this.#parts.values.write(ids);
    for (const owner of this.#values.owners) this.#put(this.#row(owner.clientId) ?? this.#newRow(owner));
  }

  heard(owner: CounterOwner, upTo: number): void {
    if (this.#isOwn(owner)) this.#parts.clients.heard(owner.clientId, upTo);
  }

  /** After everything of the client that was still to come. */
  bye(owner: CounterOwner): void {
    if (!this.#isOwn(owner)) return;
    this.#gone.add(owner.clientId);
  }

  /** Ends the transaction's work; null where nothing came of it that would be a version. */
  finish(): MadeVersion | null {
    const changeSet = this.#changes();
    for (const row of this.#rows.values()) if (!this.#gone.has(row.clientId)) this.#parts.clients.put(row, this.#nowMs);
    for (const clientId of this.#gone) this.#parts.clients.remove(clientId);
    if (this.#acks.length === 0 && changeSet.tables.length === 0 && (this.#values?.entries.length ?? 0) === 0) return null;
    const entry = { schema: this.#parts.definition.model.schemaId, atMs: this.#nowMs, acks: this.#acks, record: encodeRecord(changeSet) };
    const groups = new Map([...this.#rows.values()].map(({ clientId, groupId }) => [clientId, groupId]));
    return { ...this.#parts.log.append(entry), ...entry, changeSet, groups };
  }

  #mutation(work: MutationWork, rejection: AlcoveError | null): void {
    const { mutation, owner } = work;
    if (this.#refused.has(refusalKey(work))) return;
    const row = this.#row(owner.clientId);
    const last = row?.lastMutationId ?? 0;
    const refusal = refusalOf(work, row, last);
    if (refusal !== null) return this.#refuse(work, refusal, row?.groupId === owner.groupId || row === null ? last + 1 : 1);
    if (mutation.mutationId <= last) return this.#handledBefore(work, owner.clientId, mutation.mutationId, row?.lastVersion ?? 0);
    if (this.#unheardOf(owner.clientId) >= this.#parts.limits.clientRejectionsMax)
      return this.#refuse(work, this.#unheard(owner), last + 1);
    const forbidden = this.#forbidden(work);
    const error = rejection ?? forbidden ?? this.#executeForUser(mutation, work.pusher.access.claims);
    if (error !== null && failureKind(error) === 'refuse') return this.#refuse(work, error, mutation.mutationId);
    this.#put({ ...(row ?? this.#newRow(owner)), lastMutationId: mutation.mutationId, lastVersion: this.version });
    this.#settle(work, mutation, error, owner.clientId);
  }

  #call(work: CallWork, rejection: AlcoveError | null): void {
    const { mutation, user, idempotencyKey } = work;
    const clientId = idempotencyKey === null ? null : keyClientId(idempotencyKey);
    const row = clientId === null ? null : this.#row(clientId);
    if (row !== null) return this.#repeatedCall(work, row);
    const error = rejection ?? this.#execute(mutation, user);
    if (error !== null && failureKind(error) === 'refuse') return this.#refuse(work, error, 1);
    if (clientId !== null) {
      this.#put({
        ...this.#newRow({ clientId, groupId: SERVER_GROUP, subject: SERVER_GROUP }),
        lastMutationId: 1,
        lastVersion: this.version,
      });
      return this.#settle(work, { ...mutation, clientId, mutationId: 1 }, error, clientId);
    }
    if (error === null) return this.#settle(work, mutation, null, null);
    // Nobody will send it again, so nothing is kept of it.
    this.outcomes.push({ work, result: 'rejected', version: this.#parts.log.head.version, error, again: false });
  }

  /** Whoever repeats a call keeps its key remembered. */
  #repeatedCall(work: CallWork, row: ClientRow): void {
    const { idempotencyKeysMax, idempotencyKeyRetentionMs } = this.#parts.limits;
    this.#parts.clients.touch(row, this.#nowMs, slackMs({ rowsMax: idempotencyKeysMax, ageMsMax: idempotencyKeyRetentionMs }));
    this.#handledBefore(work, row.clientId, 1, row.lastVersion);
  }

  #transact(work: TransactWork, rejection: AlcoveError | null): void {
    this.#rowsCaptured = undefined;
    const error =
      rejection ??
      this.#attempt(() => this.#parts.database.transaction(() => writeWithTx(this.#parts.database, 'transact', (tx) => work.write(tx))));
    if (error === null) this.outcomes.push({ work, result: 'applied', version: this.version });
    else if (failureKind(error) === 'refuse') this.#refuse(work, error, 1);
    else this.outcomes.push({ work, result: 'rejected', version: this.#parts.log.head.version, error, again: false });
  }

  /** Acknowledges, and keeps a final rejection where `keep` names the client that may ask for it again. */
  #settle(work: Work, { clientId, mutationId }: Mutation, error: AlcoveError | null, keep: string | null): void {
    const message = error?.message.slice(0, REJECTION_CHARACTERS_MAX) ?? '';
    this.#acks.push({ clientId, mutationId, rejected: error === null ? null : { code: error.code, message } });
    if (error === null) {
      this.outcomes.push({ work, result: 'applied', version: this.version });
      return;
    }
    const { version } = this;
    if (keep !== null) {
      this.#parts.clients.reject(keep, { mutationId, version, code: error.code, message });
      this.#rejections.set(keep, this.#unheardOf(keep) + 1);
    }
    this.outcomes.push({ work, result: 'rejected', version, error, again: false });
  }

  #handledBefore(work: Work, clientId: string, mutationId: number, version: number): void {
    // Of this version: its result goes to the whole group with it, and once is enough.
    const isOfNow = this.#acks.some((ack) => ack.clientId === clientId && ack.mutationId === mutationId);
    if (isOfNow && work.kind === 'mutation') return;
    const rejection = this.#parts.clients.rejection(clientId, mutationId);
    if (rejection === null) {
      this.outcomes.push({ work, result: 'duplicate', version });
      return;
    }
    const error = new AlcoveError(rejection.code, rejection.message);
    this.outcomes.push({ work, result: 'rejected', version: rejection.version, error, again: true });
  }

  /** Stored rejections that the client has not heard of. */
  #unheardOf(clientId: string): number {
    const known = this.#rejections.get(clientId);
    if (known !== undefined) return known;
    const count = this.#parts.clients.rejectionCount(clientId);
    this.#rejections.set(clientId, count);
    return count;
  }

  #unheard({ clientId }: CounterOwner): AlcoveError {
    const max = this.#parts.limits.clientRejectionsMax;
    const { retryAfterMs } = this.#parts.limits;
    return new AlcoveError('rate_limited', `${max} rejections of client ${clientId} were not heard of; say heard and push again`, {
      retryAfterMs,
      limit: 'clientRejectionsMax',
    });
  }

  #refuse(work: Work, error: AlcoveError, expected: number): void {
    if (work.kind === 'mutation') this.#refused.add(refusalKey(work));
    this.outcomes.push({ work, result: 'refused', expected, error });
  }

  #forbidden({ pusher, mutation }: MutationWork): AlcoveError | null {
    if (isAllowed(pusher.access, { kind: 'mutate', name: mutation.name, args: mutation.args })) return null;
    return new AlcoveError('forbidden', `this user may not run ${mutation.name}`);
  }

  /** Everything the transaction did. */
  #changes(): ChangeSet {
    const last = this.#parts.capture.take();
    if (this.#judged.length === 0) return last;
    const merged = mergeChangeSets(this.#parts.definition.model, [...this.#judged, last]);
    refuseOversize(merged);
    return merged;
  }

  /** Where the room has write rules, what the mutation did is held against them before it counts as done. */
  #executeForUser(mutation: Mutation, user: Claims | null): AlcoveError | null {
    const { writes } = this.#parts.readers;
    if (writes === null) return this.#execute(mutation, user);
    const { capture } = this.#parts;
    this.#judged.push(capture.take());
    this.#rowsCaptured = 0;
    let own: ChangeSet = EMPTY_CHANGE_SET;
    const error = this.#execute(mutation, user, () => {
      own = capture.take();
      writes.check(own, user);
    });
    this.#rowsCaptured = 0;
    if (error === null) this.#judged.push(own);
    return error;
  }

  #execute(mutation: Mutation, user: Claims | null, atEnd?: () => void): AlcoveError | null {
    const { database, definition, capture, runtime, limits } = this.#parts;
    const rowsBefore = this.#rowsCaptured;
    this.#rowsCaptured = undefined;
    return this.#attempt(() => {
      const { afterCommit, rowsCaptured } = runMutation({
        database,
        room: definition,
        mutation,
        capture,
        rowsCaptured: rowsBefore,
        user,
        isServer: true,
        serverNowMs: this.#nowMs,
        limits: { rowsMax: limits.mutatorRowsMax, statementsMax: limits.mutatorStatementsMax, timeBudgetMs: limits.mutatorTimeBudgetMs },
        runtime,
        ...(atEnd === undefined ? {} : { atEnd }),
      });
      this.#rowsCaptured = rowsCaptured;
      this.afterCommit.push(...afterCommit);
    });
  }

  /** What a savepoint failed with, where only it was lost. @throws what it failed with where the transaction does not stand any more, or the room fails. */
  #attempt(savepoint: () => void): AlcoveError | null {
    try {
      savepoint();
      if (this.#parts.database.inTransaction) return null;
    } catch (cause) {
      const error = AlcoveError.from(cause);
      if (this.#parts.database.inTransaction && failureKind(error) !== 'fail') return error;
      throw error;
    }
    throw new AlcoveError('sql_failed', 'SQLite rolled the whole transaction back');
  }

  #row(clientId: string): ClientRow | null {
    return this.#rows.get(clientId) ?? this.#parts.clients.get(clientId);
  }

  /** Only the client's own group may speak for it. */
  #isOwn({ clientId, groupId, subject }: CounterOwner): boolean {
    const row = this.#row(clientId);
    return row !== null && row.groupId === groupId && row.subject === subject;
  }

  #put(row: ClientRow): void {
    this.#rows.set(row.clientId, row);
  }

  #newRow({ clientId, groupId, subject }: CounterOwner): ClientRow {
    return { clientId, groupId, subject, lastMutationId: 0, lastVersion: this.version, firstVersion: this.version };
  }
}

/** Why the mutation cannot be taken now, whatever it would do; null: it can. */
function refusalOf({ mutation, owner, forgotten }: MutationWork, row: ClientRow | null, last: number): AlcoveError | null {
  if (row === null && forgotten) return new AlcoveError('client_unknown', `the room does not remember client ${owner.clientId} any more`);
  if (row !== null && (row.groupId !== owner.groupId || row.subject !== owner.subject)) {
    return new AlcoveError('forbidden', `client ${owner.clientId} belongs to another client group or user`);
  }
  if (mutation.mutationId > last + 1) {
    return new AlcoveError('out_of_order', `mutation ${mutation.mutationId} of ${owner.clientId} came before mutation ${last + 1}`);
  }
  return null;
}
