import { cellToWire } from '@alcove/core/change/wire-cell';
import { AlcoveError, type ErrorCode } from '@alcove/core/error';
import { EndSource } from '../../read/end-source.ts';
import type { EndSignal, ReadAnswer, ReadRequest, Replica, ReplicaCheck, ReplicaLag } from '../../read/replica.ts';
import { DIGEST_TIMEOUT_MS, type RoomDigest } from '../../read/room-digest.ts';
import { RoomUnavailable } from '../../read/room-unavailable.ts';
import { LIMIT_HEADER, ROOM_UNAVAILABLE, TOO_MUCH_TO_DO } from './read-endpoint.ts';
import { whyFetchFailed } from './why-fetch-failed.ts';
import { withLimit } from './with-limit.ts';

export interface RemoteReplicaOptions {
  readonly id: string;
  /** Of a follower, as `follower.url` has it: ws: or wss:. */
  readonly url: string;
  /** The follower token. */
  readonly token: string;
}

/** A read of nothing that takes longer says that the follower is not well. */
const CHECK_TIMEOUT_MS = 5_000;
/** Above the time that the follower itself gives the read, for the way there and back. */
const TRAVEL_MS = 5_000;
/** Above what the follower gives a digest: its wait for a process, and the way there and back. */
const BEYOND_DIGEST_MS = 20_000;
/** Of a room that is copied anew: as long as this client of HTTP waits for the head of an answer, and less. */
const RESYNC_TIMEOUT_MS = 4 * 60_000;
/** Words of a follower about itself, not about the read: another replica may do better. */
const ABOUT_ITSELF: ReadonlySet<ErrorCode> = new Set([
  'closed',
  'internal',
  'unauthenticated',
  'rate_limited',
  'overloaded',
  'draining',
  'sql_unavailable',
  'bad_message',
]);

type Answer = Omit<ReadAnswer, 'cells'> & { readonly lag: ReplicaLag };

/** A follower as the server that it follows reads from it, over HTTP. */
export class RemoteReplica implements Replica {
  readonly id: string;
  readonly dialect = 'sqlite';
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #closed = new AbortController();

  constructor({ id, url, token }: RemoteReplicaOptions) {
    this.id = id;
    this.#url = url.replace(/^ws/, 'http').replace(/\/+$/, '');
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  }

  async read({ params, ...request }: ReadRequest, signal: EndSignal): Promise<ReadAnswer> {
    const body = JSON.stringify({ ...request, params: params.map(cellToWire) });
    const text = await this.#fetch('/read', { method: 'POST', body }, signal, request.bounds.timeoutMs + TRAVEL_MS);
    // A name never holds this as it stands: JSON escapes the quotes.
    const at = text.indexOf(',"cells":');
    if (at < 0) throw this.#unavailable('it answered with something else than rows');
    const { columns, rows, truncated, at: stood } = JSON.parse(`${text.slice(0, at)}}`) as Answer; // our own follower's word
    return { columns, rows, truncated, at: stood, cells: text.slice(at + ',"cells":'.length, -1) };
  }

  async check(signal: EndSignal): Promise<ReplicaCheck> {
    return JSON.parse(await this.#fetch('/lag', {}, signal, CHECK_TIMEOUT_MS)) as ReplicaCheck; // as above
  }

  async digest(room: ReadRequest['room'], signal: EndSignal, timeoutMs = DIGEST_TIMEOUT_MS): Promise<RoomDigest> {
    const body = JSON.stringify({ room, timeoutMs });
    const text = await this.#fetch('/digest', { method: 'POST', body }, signal, timeoutMs + BEYOND_DIGEST_MS);
    return JSON.parse(text) as RoomDigest; // as above
  }

  async resync(room: ReadRequest['room']): Promise<void> {
    await this.#fetch('/resync', { method: 'POST', body: JSON.stringify({ room }) }, new EndSource().signal, RESYNC_TIMEOUT_MS);
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  /** @throws AlcoveError what the follower said of the read; `replica_unavailable` for everything else; `closed` where nobody waits any more. */
  async #fetch(path: string, init: RequestInit, signal: EndSignal, timeoutMs: number): Promise<string> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      const any = AbortSignal.any([ended.signal, this.#closed.signal, AbortSignal.timeout(timeoutMs)]);
      const response = await fetch(`${this.#url}${path}`, { ...init, headers: this.#headers, signal: any });
      const text = await response.text();
      if (response.ok) return text;
      throw this.#refusal(response.status, text, response.headers.get(LIMIT_HEADER));
    } catch (cause) {
      if (cause instanceof AlcoveError) throw cause;
      if (ended.signal.aborted || this.#closed.signal.aborted)
        throw new AlcoveError('closed', this.#closed.signal.aborted ? 'the replica is closed' : 'nobody waits for the read any more');
      throw this.#unavailable(whyFetchFailed(cause), cause);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  #refusal(status: number, text: string, limit: string | null): AlcoveError {
    let error: AlcoveError;
    try {
      error = AlcoveError.fromBody((JSON.parse(text) as { error: Parameters<typeof AlcoveError.fromBody>[0] }).error); // our own follower's word
    } catch (cause) {
      return this.#unavailable(`it answered ${status}`, cause);
    }
    if (error.code === 'replica_unavailable' && status === ROOM_UNAVAILABLE)
      return new RoomUnavailable(error.message, { hint: error.hint, cause: error });
    if (error.code === 'replica_unavailable' && status === TOO_MUCH_TO_DO)
      return new AlcoveError(error.code, error.message, { limit: 'readQueueMax', cause: error });
    if (ABOUT_ITSELF.has(error.code)) return this.#unavailable(`${error.code}: ${error.message}`, error);
    return limit === null ? error : withLimit(error.toBody(), limit);
  }

  #unavailable(why: string, cause?: unknown): AlcoveError {
    return new AlcoveError('replica_unavailable', `${this.id} does not answer: ${why}`, { cause });
  }
}
