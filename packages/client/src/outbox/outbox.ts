import { AlcoveError, assert, type ErrorBody } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import { HELLO_CLIENTS_MAX, type HelloClient, type PushedMutation } from '@alcove/core/protocol/client-message';
import type { MutationResult, ServerMessageOf, WelcomeMessage } from '@alcove/core/protocol/server-message';
import { backoffMs } from '@alcove/core/retry/backoff';
import { ClientNames, mintedAs, type MutationName, nameUnder, type Rekeyed } from './client-names.ts';
import { nextPush, type PushLimits, wakeAtMs } from './next-push.ts';
import { OutboxBound, type OutboxLimits, type PendingBeside } from './outbox-bound.ts';
import { type Attempt, type ClientHistory, errorOf, isReal, OutboxClient, VOID_MUTATOR } from './outbox-client.ts';

export interface Stopped {
  readonly clientId: string;
  readonly error: ErrorBody;
  readonly mutations: readonly Mutation[];
}

export interface Settled {
  readonly mutation: Mutation;
  readonly result: MutationResult;
  /** What to tell of it: the room's reason, or this side's. Null where it was applied. */
  readonly error: ErrorBody | null;
  /** Fills a gap: nobody waits for it. */
  readonly isVoid: boolean;
}

/** Of a mutation that never runs. */
const VOID_SEED = '0000000000000000000000';

/** Waits after refusals that name none, in ms. */
const REFUSAL_BACKOFF = { baseMs: 200, maxMs: 10_000 };

/**
 * All mutations that are not settled yet: the tab's own client and those it adopted, each in order of mutationIds without gaps. It decides what to push,
 * takes the room's answers and says when a mutation has settled; it holds no socket and no timer, and knows no rows.
 */
export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #onAttempt: (attempt: Attempt) => void;
  readonly #bound: OutboxBound;
  readonly #clients = new Map<string, OutboxClient>();
  readonly #names = new ClientNames();
  /** Clients that this side speaks for, as their page named them first. */
  readonly #minted = new Set<string>();
  #order = 0;
  /** Version of the running session's welcome; null: there is none. */
  #sessionVersion: number | null = null;

  /** `onAttempt` hears of what was sent in vain; what is answered at once costs nothing. `beside` counts against the bounds, as it is when they are looked at. */
  constructor(
    limits: OutboxLimits,
    onAttempt: (attempt: Attempt) => void = () => undefined,
    beside: PendingBeside = { count: 0, bytes: 0 },
  ) {
    this.#limits = limits;
    this.#onAttempt = onAttempt;
    this.#bound = new OutboxBound(limits, beside);
  }

  /** Whether counters were compared with the room in the running session; before that nothing may be pushed. */
  get hasSession(): boolean {
    return this.#sessionVersion !== null;
  }

  /** Mutations not settled yet, gaps included. */
  get size(): number {
    return this.#bound.count;
  }

  /**
   * Makes a client known, with nothing pending. Known ones stay as they are.
   * @throws AlcoveError `outbox_full` past the clients that one hello may name.
   */
  addClient(client: ClientHistory): void {
    if (this.#clients.has(client.clientId)) return;
    this.#assertRoomForClient();
    // Made in a session, it was first welcomed with that: it can only have been heard of later.
    const isNew = client.confirmed === 0 && client.welcomed === null;
    this.#clients.set(client.clientId, new OutboxClient(isNew ? { ...client, welcomed: this.#sessionVersion } : client));
    this.#minted.add(mintedAs(client.clientId));
  }

  /** What a client's row on the disk says; null for one that is not known. */
  counters(clientId: string): { lastMutationId: number; confirmed: number; welcomed: number | null } | null {
    const client = this.#clients.get(clientId);
    return client === undefined ? null : { lastMutationId: client.lastMutationId, confirmed: client.confirmed, welcomed: client.welcomed };
  }

  /** How many of a client's mutations up to that one are not settled; under the name of now. */
  pendingUpTo({ clientId, mutationId }: MutationName): number {
    const client = this.#clients.get(clientId);
    return client === undefined ? 0 : Math.max(0, Math.min(client.pending.length, mutationId - client.confirmed));
  }

  /** Whether this side speaks for it, whatever name it goes by here or elsewhere. */
  has(clientId: string): boolean {
    return this.#minted.has(mintedAs(clientId));
  }

  /** An earlier engine of this page spoke for these: what goes by an older name of theirs, on the disk too, has gone on under the one of now. */
  carried(clientIds: readonly string[]): void {
    for (const clientId of clientIds) this.#minted.add(mintedAs(clientId));
  }

  /** What mutations of a page's client go by, also where an earlier engine of the page renamed it. */
  speaksAs(clientId: string): string {
    const current = this.currentClientId(clientId);
    if (this.#clients.has(current)) return current;
    return [...this.#clients.keys()].find((known) => mintedAs(known) === mintedAs(current)) ?? current;
  }

  #assertRoomForClient(): void {
    if ([...this.#clients.values()].filter((client) => !client.isDone).length < HELLO_CLIENTS_MAX - 1) return;
    throw new AlcoveError(
      'outbox_full',
      `mutations of ${this.#clients.size} clients are pending; one connection speaks for ${HELLO_CLIENTS_MAX}`,
    );
  }

  /** Fills what is missing up to `mutationId` with voids: ids that were minted and never enqueued. */
  fillTo(clientId: string, mutationId: number): void {
    const client = this.#clientOf(clientId);
    for (let id = client.lastMutationId + 1; id <= mutationId; id++) {
      this.#enqueue(client, { clientId, mutationId: id, name: VOID_MUTATOR, args: null, seed: VOID_SEED, nowMs: 0 }, 0);
    }
  }

  /** `mutation` under the name it goes by now, after a lost tail. */
  currentName<Named extends MutationName>(mutation: Named): Named {
    return this.#names.ofMutation(mutation);
  }

  /** The id a client goes by now. */
  currentClientId(clientId: string): string {
    return this.#names.ofClient(clientId);
  }

  /** True where it is pending or settled already: enqueuing it again would do nothing. */
  knows(mutation: Mutation): boolean {
    const current = this.currentName(mutation);
    const client = this.#clients.get(current.clientId);
    return this.#names.isOld(current.clientId) || (client !== undefined && current.mutationId <= client.lastMutationId);
  }

  /**
   * Whether a mutation of `bytes` may be enqueued now.
   * @throws AlcoveError `outbox_full`; the code its client was stopped with, once that is told.
   */
  assertRoomFor(mutation: Mutation, bytes: number): void {
    const client = this.#clients.get(mutation.clientId);
    if (client === undefined) this.#assertRoomForClient();
    else if (client.isStopTold && client.stopped !== null) throw AlcoveError.fromBody(client.stopped);
    const gap = mutation.mutationId - 1 - (client?.lastMutationId ?? 0);
    this.#bound.assertRoomFor(gap + 1, bytes);
  }

  /** Enqueues; ids that were left out before it are filled with voids. The caller has asked `knows` and `assertRoomFor`. */
  add(mutation: Mutation, bytes: number): void {
    this.fillTo(mutation.clientId, mutation.mutationId - 1);
    this.#enqueue(this.#clientOf(mutation.clientId), mutation, bytes);
  }

  #enqueue(client: OutboxClient, mutation: Mutation, bytes: number): void {
    this.#order += 1;
    client.add({ mutation, bytes, order: this.#order, result: null, refusal: null });
    this.#bound.added(bytes);
  }

  #clientOf(clientId: string): OutboxClient {
    const known = this.#clients.get(clientId);
    if (known !== undefined) return known;
    this.addClient({ clientId, confirmed: 0, welcomed: null });
    return this.#clientOf(clientId);
  }

  /** What is to be shown: all that is pending, in the order it was enqueued. */
  pending(): Mutation[] {
    const entries = [...this.#clients.values()].flatMap((client) => client.pending.filter(isReal));
    return entries.sort((a, b) => a.order - b.order).map((entry) => entry.mutation);
  }

  /** Whether the room may have handled something that has no result here. */
  get hasUnanswered(): boolean {
    return [...this.#clients.values()].some((client) =>
      client.pending.some((entry) => entry.mutation.mutationId <= client.sent && entry.result === null),
    );
  }

  /** What hello says of the session's own client and of those it has something to push or to hear of; the others the room may forget. */
  hello(ownClientId: string): HelloClient[] {
    const own = this.speaksAs(ownClientId);
    const speaking = [...this.#clients.values()].filter((client) => client.stopped === null && (client.clientId === own || !client.isDone));
    return speaking.map(({ clientId, lastMutationId, heardUpTo, welcomed }) => ({
      clientId,
      lastMutationId,
      confirmed: heardUpTo,
      welcomed,
    }));
  }

  /** Nothing more is to be said of it: all that was pending is decided, and the room knows that it was heard. */
  isDone(clientId: string): boolean {
    const client = this.#clients.get(clientId);
    return client === undefined || client.isDone || (client.isStopTold && client.pending.length === 0);
  }

  isStopped(clientId: string): boolean {
    return this.stoppedBy(clientId) !== null;
  }

  /** Why the room takes nothing more from it; null: it does. */
  stoppedBy(clientId: string): ErrorBody | null {
    return this.#clients.get(clientId)?.stopped ?? null;
  }

  /** Clients with nothing pending: they may say bye. */
  idleClientIds(): string[] {
    return [...this.#clients.values()].filter((client) => client.pending.length === 0).map((client) => client.clientId);
  }

  /**
   * Compares counters with the room after hello. `newHistory`: results heard under the old history are void, the room tells them again.
   * A client the room is behind of goes on under a new name; one it knows nothing of, or more of than it minted, is stopped (`takeStopped`).
   */
  welcome(message: Pick<WelcomeMessage, 'clients' | 'historyId' | 'version'>, newHistory: boolean): Rekeyed[] {
    this.#sessionVersion = message.version;
    const rekeyed: Rekeyed[] = [];
    for (const { clientId, lastMutationId, state } of message.clients) {
      const client = this.#clients.get(clientId);
      if (client === undefined || client.stopped !== null) continue;
      if (newHistory) client.voidResults();
      client.pausedUntilMs = Number.NEGATIVE_INFINITY;
      client.owesHeard = client.hasRejections;
      if (state === 'unknown') {
        client.stopped = { code: 'client_unknown', message: `the room no longer remembers client ${clientId}` };
      } else if (lastMutationId > client.lastMutationId) {
        const message = `the room has ${lastMutationId} mutations of client ${clientId}, this side minted ${client.lastMutationId}: its counter went back`;
        client.stopped = { code: 'unknown_outcome', message };
      } else if (lastMutationId < client.confirmed) {
        rekeyed.push(this.#rekey(client, message, lastMutationId));
      } else {
        client.sent = lastMutationId;
        // Versions of another history, one that lost its tail, may be higher: the lower one is on the safe side, the room would call it forgotten.
        client.welcomed = Math.min(client.welcomed ?? message.version, message.version);
      }
    }
    return rekeyed;
  }

  /** Clients that were stopped, once each, with what is pending of them: what the room has answered settles before, while there is a session. */
  takeStopped(): Stopped[] {
    return [...this.#clients.values()].flatMap((client) => {
      const { clientId, stopped: error } = client;
      if (error === null || client.isStopTold || client.isAnswered) return [];
      client.isStopTold = true;
      client.voidResults();
      return [{ clientId, error, mutations: client.pending.filter(isReal).map((entry) => entry.mutation) }];
    });
  }

  #rekey(client: OutboxClient, { historyId, version }: Pick<WelcomeMessage, 'historyId' | 'version'>, roomHas: number): Rekeyed {
    const next = client.renamed(nameUnder(historyId, client.clientId), version);
    assert(!this.#clients.has(next.clientId), `client ${client.clientId} is spoken for as ${next.clientId} already`);
    const alias: Rekeyed = { clientId: client.clientId, to: next.clientId, offset: client.confirmed, roomHas };
    this.#clients.delete(client.clientId);
    this.#clients.set(next.clientId, next);
    this.#minted.add(mintedAs(next.clientId));
    this.#names.rename(alias);
    return alias;
  }

  connectionLost(): void {
    this.#sessionVersion = null;
    for (const client of this.#clients.values()) {
      this.#attempted(client, 0, null);
      // What nobody speaks for may not be shown for long, and the page has to know.
      if (client.stopped !== null) client.voidResults();
      client.sent = client.confirmed;
      client.pausedUntilMs = Number.NEGATIVE_INFINITY;
      client.refusals = 0;
    }
  }

  #attempted(client: OutboxClient, expected: number, error: ErrorBody | null): void {
    const attempt = client.stopped === null ? client.inVain(expected, error) : null;
    if (attempt !== null) this.#onAttempt(attempt);
  }

  /** The next mutations to push, of one client after the other; null where nothing may go now. They count as sent. */
  nextPush(limits: PushLimits, nowMs: number): PushedMutation[] | null {
    return nextPush([...this.#clients.values()], limits, this.#limits.pushWindowMutationsMax, nowMs);
  }

  /** Whether something that may be pushed is not. */
  get hasUnsent(): boolean {
    return [...this.#clients.values()].some((client) => client.stopped === null && client.sent < client.lastMutationId);
  }

  /** When something that waits out a refusal may be pushed; null: nothing waits. */
  wakeAtMs(): number | null {
    return wakeAtMs([...this.#clients.values()]);
  }

  takeResults(results: readonly MutationResult[]): void {
    for (const result of results) this.#clients.get(result.clientId)?.take(result);
  }

  /**
   * Goes back to what the room expects, and waits where it asked for that.
   * `disagrees`: the room's count lies outside of what is pending here; only a new hello can tell why.
   */
  refused(message: ServerMessageOf<'refused'>, nowMs: number, random: number): 'waits' | 'disagrees' {
    const client = this.#clients.get(message.clientId);
    if (client === undefined || client.stopped !== null) return 'waits';
    // Of another client group, or another user's: no session of this one will ever be heard for it.
    if (message.code === 'client_unknown' || message.code === 'forbidden') {
      client.stopped = bodyOf(message);
      return 'waits';
    }
    if (message.expected <= client.confirmed || message.expected > client.lastMutationId + 1) return 'disagrees';
    // What was pushed behind a refused one is refused too: one refusal, however many words.
    const isEcho = message.mutationId > client.sent;
    if (!isEcho) this.#attempted(client, message.expected, message.code === 'out_of_order' ? null : bodyOf(message));
    client.goBackTo(message.expected);
    if (isEcho) return 'waits';
    client.refusals += 1;
    // A first word that something came out of order is answered at once: what went missing is on its way again.
    const atOnce = message.code === 'out_of_order' && client.refusals === 1 && message.retryAfterMs === undefined;
    if (!atOnce)
      client.pausedUntilMs = Math.max(
        client.pausedUntilMs,
        nowMs + backoffMs(client.refusals, random, message.retryAfterMs, REFUSAL_BACKOFF),
      );
    return 'waits';
  }

  /** Removes and gives what settled at a confirmed version, each client's in order. */
  settle(confirmedVersion: number): Settled[] {
    const settled: Settled[] = [];
    for (const client of this.#clients.values()) {
      for (const entry of client.settle(confirmedVersion)) {
        this.#bound.removed(entry.bytes);
        if (entry.result !== null)
          settled.push({ mutation: entry.mutation, result: entry.result, error: errorOf(entry), isVoid: !isReal(entry) });
      }
    }
    return settled;
  }

  /** The page was told of everything of this client up to there. */
  heard(clientId: string, upTo: number): void {
    const client = this.#clients.get(clientId);
    if (client !== undefined) client.heard = Math.max(client.heard, upTo);
  }

  /** An earlier engine settled it as rejected, and only the page knows: nothing from there on was heard, until `heard`. */
  unheard({ clientId, mutationId }: MutationName): void {
    this.#clients.get(clientId)?.unheard(mutationId);
  }

  /** What to tell the room we heard; each is given once a connection and once more after a new rejection. */
  takeHeard(): { clientId: string; upTo: number }[] {
    const heard: { clientId: string; upTo: number }[] = [];
    for (const client of this.#clients.values()) {
      if (!client.owesHeard || client.heardUpTo < client.confirmed) continue;
      client.owesHeard = false;
      heard.push({ clientId: client.clientId, upTo: client.confirmed });
    }
    return heard;
  }

  /** Drops all that is pending of a stopped client, which stays stopped; gives what was dropped. */
  discard(clientId: string): Mutation[] {
    const client = this.#clients.get(clientId);
    if (client === undefined || client.stopped === null) return [];
    const dropped = client.pending.splice(0);
    for (const { bytes } of dropped) this.#bound.removed(bytes);
    return dropped.map((entry) => entry.mutation);
  }
}

const bodyOf = ({ code, message, retryAfterMs }: ServerMessageOf<'refused'>): ErrorBody => ({
  code,
  message,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
