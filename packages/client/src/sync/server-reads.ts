import { AlcoveError } from '@alcove/core/error';
import { type BookmarkParts, bookmarkOf } from '@alcove/core/protocol/bookmark';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import { AwaitedMutations, type PendingSources } from './awaited-mutations.ts';
import type { EngineLimits } from './engine-limits.ts';
import { type EngineRead, readMessage, rowsOf, type ServerRows } from './server-read.ts';

export interface ServerReadsOptions extends PendingSources {
  readonly runtime: Runtime;
  readonly limits: Pick<EngineLimits, 'serverReadsMax' | 'serverReadsQueuedMax' | 'serverReadTimeoutMs'>;
  /** False: there is no session. */
  send(message: ClientMessageInput): boolean;
  /** Bytes of a message that the room takes. */
  messageBytesMax(): number;
  /** Why there is no session and will be none until somebody does something; null: there is, or may be. */
  obstacle(): AlcoveError | null;
  /** What an answer must not be older than, by what this tab shows; null: there is no session. */
  held(): BookmarkParts | null;
  /** `work` has something to do. */
  wake(): void;
}

interface OpenRead {
  readonly call: number;
  readonly read: EngineRead;
  resolve(rows: ServerRows): void;
  reject(error: AlcoveError): void;
  /** Past it nobody waits any longer, whatever the reason. */
  readonly endsAtMs: number;
  /** Past it nobody waits for what stands in its way; what runs, runs on. */
  waitsUntilMs: number;
  awaited: AwaitedMutations | null;
  /** The room took nothing for now. */
  notBeforeMs: number;
  /** Nothing stands in its way since then but that others are under way. */
  readySinceMs: number | null;
  /** Number of its question in the running session; null: it is not asked. */
  request: number | null;
}

/** After a refusal that names no time, or none at all. */
const RETRY_AFTER_MS_MIN = 50;

/**
 * Reads on the server, from the call to the answer. One waits for what was pending at the call, for a session, for a place among those under way; a session that is
 * lost asks it again in the next one, for reading twice harms nobody.
 */
export class ServerReads {
  readonly #options: ServerReadsOptions;
  /** In the order of the calls. */
  readonly #open = new Map<number, OpenRead>();
  readonly #asked = new Map<number, OpenRead>();
  #lastRequest = 0;
  #alarm: Timer | null = null;

  constructor(options: ServerReadsOptions) {
    this.#options = options;
  }

  read(call: number, read: EngineRead): Promise<ServerRows> {
    const { limits, runtime } = this.#options;
    return new Promise((resolve, reject) => {
      const { serverReadsMax, serverReadsQueuedMax } = limits;
      if (this.#open.size >= serverReadsMax + serverReadsQueuedMax)
        return reject(
          new AlcoveError('overloaded', `${serverReadsQueuedMax} reads wait for the server, the limit`, { limit: 'serverReadsQueuedMax' }),
        );
      const nowMs = runtime.monotonicMs();
      this.#open.set(call, {
        call,
        read,
        resolve,
        reject,
        endsAtMs: nowMs + read.waitMs + limits.serverReadTimeoutMs,
        waitsUntilMs: nowMs + read.waitMs,
        awaited: read.at === null ? new AwaitedMutations(this.#options) : null,
        notBeforeMs: nowMs,
        readySinceMs: null,
        request: null,
      });
      this.#options.wake();
    });
  }

  /** Nobody waits for it any more. */
  end(call: number): void {
    const open = this.#open.get(call);
    if (open !== undefined) this.#giveUp(open, new AlcoveError('closed', 'the read was ended by whoever asked'));
  }

  take(message: ServerMessageOf<'readRows' | 'readFailed'>): void {
    const open = this.#asked.get(message.request);
    if (open === undefined) return; // it was ended
    if (message.type === 'readFailed') return this.#refused(open, message);
    this.#remove(open);
    try {
      open.resolve(rowsOf(message));
    } catch (error) {
      open.reject(AlcoveError.from(error));
    }
    this.#options.wake();
  }

  #refused(open: OpenRead, { code, message, hint, retryAfterMs }: ServerMessageOf<'readFailed'>): void {
    const error = AlcoveError.fromBody({ code, message, hint, retryAfterMs });
    const notBeforeMs = this.#options.runtime.monotonicMs() + Math.max(retryAfterMs ?? 0, RETRY_AFTER_MS_MIN);
    if (error.retryable && retryAfterMs !== undefined && notBeforeMs < open.waitsUntilMs) {
      this.#unask(open);
      open.notBeforeMs = notBeforeMs;
    } else {
      this.#remove(open);
      open.reject(error);
    }
    this.#options.wake();
  }

  /** The mutations of a client were dropped; those that were called again under another one are pending now. */
  discarded(clientId: string): void {
    for (const open of this.#open.values()) if (open.awaited?.isOf(clientId) === true) open.awaited = new AwaitedMutations(this.#options);
  }

  /** What was asked is asked again in the next session, if there is one within the time that it may wait. */
  lost(): void {
    const nowMs = this.#options.runtime.monotonicMs();
    for (const open of [...this.#asked.values()]) {
      this.#unask(open);
      open.waitsUntilMs = Math.min(nowMs + open.read.waitMs, open.endsAtMs);
    }
  }

  /** Asks what may be asked, ends what has waited too long, and wakes when the next of them has. */
  work(): void {
    if (this.#open.size === 0) return this.#wakeAt(Number.POSITIVE_INFINITY);
    const obstacle = this.#options.obstacle();
    if (obstacle !== null) return this.close(obstacle);
    let wakeAtMs = Number.POSITIVE_INFINITY;
    for (const open of [...this.#open.values()]) wakeAtMs = Math.min(wakeAtMs, this.#step(open));
    this.#wakeAt(wakeAtMs);
  }

  /** Gives when it is to be looked at again, whatever else happens. */
  #step(open: OpenRead): number {
    const nowMs = this.#options.runtime.monotonicMs();
    if (open.request !== null) return this.#within(open, open.endsAtMs, () => this.#late(open));
    const held = this.#options.held();
    if (held === null) return this.#waits(open, () => new AlcoveError('connection_lost', `the room was not reached ${this.#forMs(open)}`));
    const pending = open.awaited?.count ?? 0;
    if (pending > 0) return this.#waits(open, () => behind(pending, this.#forMs(open)));
    if (nowMs < open.notBeforeMs)
      return Math.min(
        open.notBeforeMs,
        this.#waits(open, () => this.#late(open)),
      );
    open.readySinceMs ??= nowMs;
    if (this.#asked.size >= this.#options.limits.serverReadsMax) return this.#within(open, open.endsAtMs, () => this.#crowded());
    this.#ask(open, held, nowMs);
    return open.endsAtMs;
  }

  #ask(open: OpenRead, held: BookmarkParts, nowMs: number): void {
    // Standing in line costs nothing of its time.
    open.waitsUntilMs = Math.min(open.waitsUntilMs + nowMs - (open.readySinceMs ?? nowMs), open.endsAtMs);
    open.readySinceMs = null;
    this.#lastRequest += 1;
    const waitMs = Math.max(0, Math.round(open.waitsUntilMs - nowMs));
    const { read } = open;
    const message = readMessage(read, this.#lastRequest, read.at ?? bookmarkOf(held), waitMs);
    const tooLarge = this.#tooLarge(message);
    if (tooLarge !== null) return this.#giveUp(open, tooLarge);
    if (!this.#options.send(message)) return;
    open.request = this.#lastRequest;
    open.awaited = null;
    this.#asked.set(open.request, open);
  }

  /** The room would end the session over it, and then the next one. */
  #tooLarge(message: ClientMessageInput): AlcoveError | null {
    const { runtime, messageBytesMax } = this.#options;
    const bytes = runtime.utf8.encode(JSON.stringify(message)).length;
    const max = messageBytesMax();
    return bytes <= max ? null : new AlcoveError('message_too_large', `a read on the server has ${bytes} bytes; the room takes ${max}`);
  }

  #waits(open: OpenRead, error: () => AlcoveError): number {
    open.readySinceMs = null;
    return this.#within(open, open.waitsUntilMs, error);
  }

  #within(open: OpenRead, untilMs: number, error: () => AlcoveError): number {
    if (this.#options.runtime.monotonicMs() < untilMs) return untilMs;
    this.#giveUp(open, error());
    return Number.POSITIVE_INFINITY;
  }

  #forMs = ({ read }: OpenRead): string => `within ${read.waitMs} ms`;

  #late({ read }: OpenRead): AlcoveError {
    const { serverReadTimeoutMs } = this.#options.limits;
    return new AlcoveError('query_timeout', `a read was not answered within ${read.waitMs + serverReadTimeoutMs} ms`, {
      limit: 'serverReadTimeoutMs',
    });
  }

  #crowded(): AlcoveError {
    const { serverReadsMax } = this.#options.limits;
    return new AlcoveError('overloaded', `${serverReadsMax} reads of this tab are under way, the limit, and none of them came to an end`, {
      limit: 'serverReadsMax',
    });
  }

  #giveUp(open: OpenRead, error: AlcoveError): void {
    const { request } = open;
    this.#remove(open);
    if (request !== null) this.#options.send({ type: 'readEnd', request });
    open.reject(error);
    this.#options.wake();
  }

  #remove(open: OpenRead): void {
    this.#unask(open);
    this.#open.delete(open.call);
  }

  #unask(open: OpenRead): void {
    if (open.request !== null) this.#asked.delete(open.request);
    open.request = null;
  }

  #wakeAt(atMs: number): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const { runtime, wake } = this.#options;
    this.#alarm = runtime.setTimer(Math.max(0, atMs - runtime.monotonicMs()), wake);
  }

  /** All that are open fail with `error`. */
  close(error: AlcoveError): void {
    this.#wakeAt(Number.POSITIVE_INFINITY);
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#asked.clear();
    for (const { reject } of open) reject(error);
  }
}

const behind = (pending: number, within: string): AlcoveError =>
  new AlcoveError(
    'read_behind',
    `${pending} ${pending === 1 ? 'mutation' : 'mutations'} called before the read were not decided ${within}`,
    {
      hint: 'Ask again, wait longer (`waitMs`), or leave them out: { at: "any" }.',
    },
  );
