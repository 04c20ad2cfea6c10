import type { IncomingMessage, ServerResponse } from 'node:http';
import { cellFromWire } from '@alcove/core/change/wire-cell';
import { AlcoveError, type ErrorCode } from '@alcove/core/error';
import * as v from 'valibot';
import { wireCell } from '@alcove/core/protocol/wire-changes';
import type { EndSignal, ReadAnswer, ReadRequest, ReplicaCheck, ReplicaLag } from '../../read/replica.ts';
import { LARGE_DIGEST_TIMEOUT_MS } from '../../read/large-rooms.ts';
import { DIGEST_TIMEOUT_MS, type RoomDigest } from '../../read/room-digest.ts';
import { RoomUnavailable } from '../../read/room-unavailable.ts';
import type { BearerGuard } from './bearer-guard.ts';
import { answerError, answerJson } from './http-answer.ts';
import { requestBody } from './request-body.ts';

/** Of a read: SQL, parameters and the sight of a definition with many tables. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;

/** Of what names a room and nothing else. */
const ROOM_BYTES_MAX = 4_096;

const bookmark = v.object({ historyId: v.string(), version: v.number() });

const roomAddress = v.object({ name: v.string(), id: v.string() });
const roomBody = v.object({ room: roomAddress });
const digestBody = v.object({
  room: roomAddress,
  timeoutMs: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(LARGE_DIGEST_TIMEOUT_MS)), DIGEST_TIMEOUT_MS),
});

/** A read as one server sends it to another. */
const readBody = v.object({
  room: roomAddress,
  sql: v.string(),
  params: v.array(wireCell),
  sight: v.object({ key: v.string(), tables: v.array(v.object({ name: v.string(), select: v.string() })) }),
  atLeast: v.nullable(bookmark),
  bounds: v.object({ timeoutMs: v.number(), rowsMax: v.number(), bytesMax: v.number() }),
  user: v.optional(v.string()),
});

export interface ReadEndpointPorts {
  read(request: ReadRequest, signal: EndSignal): Promise<{ readonly answer: ReadAnswer; readonly lag: ReplicaLag }>;
  digest(room: ReadRequest['room'], signal: EndSignal, timeoutMs: number): Promise<RoomDigest>;
  /** Resolves when the room is level again. */
  resync(room: ReadRequest['room']): Promise<void>;
  /** Over all rooms, and how each of them is kept in step. */
  lag(): ReplicaCheck;
}

/** What other servers ask of this one, with the follower token: `POST <path>/read`, `/digest` and `/resync`, and `GET <path>/lag`. */
const READ_PATHS: ReadonlySet<string> = new Set(['/read', '/digest', '/resync', '/lag']);

export class ReadEndpoint {
  readonly #guard: BearerGuard;
  readonly #ports: ReadEndpointPorts;

  constructor(guard: BearerGuard, ports: ReadEndpointPorts) {
    this.#guard = guard;
    this.#ports = ports;
  }

  owns(path: string): boolean {
    return READ_PATHS.has(path);
  }

  async handle(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const refusal = this.#guard.refusal(request, 'reads here are for servers that bring the follower token');
      if (refusal !== null) throw refusal;
      if (path === '/lag' && request.method === 'GET') return answerJson(response, 200, this.#ports.lag());
      if (path === '/read' && request.method === 'POST') return await this.#read(request, response);
      if (path === '/digest' && request.method === 'POST') return await this.#digest(request, response);
      if (path === '/resync' && request.method === 'POST') return await this.#resync(request, response);
      throw new AlcoveError('bad_message', `there is no ${request.method} ${path} here`);
    } catch (cause) {
      const error = AlcoveError.from(cause, 'internal');
      if (response.headersSent) response.destroy();
      else answerError(response, statusOf(error), error, error.limit === undefined ? {} : { [LIMIT_HEADER]: error.limit });
    }
  }

  async #read(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params, ...body } = bodyOf(readBody, await requestBody(request, BODY_BYTES_MAX));
    const { answer, lag } = await this.#ports.read({ ...body, params: params.map(cellFromWire) }, goneSignal(response));
    const { cells, ...head } = answer;
    const bytes = Buffer.from(`${JSON.stringify({ ...head, lag }).slice(0, -1)},"cells":${cells}}`);
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': bytes.length,
      'cache-control': 'no-store',
    });
    response.end(bytes);
  }

  async #digest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { room, timeoutMs } = bodyOf(digestBody, await requestBody(request, ROOM_BYTES_MAX));
    answerJson(response, 200, await this.#ports.digest(room, goneSignal(response), timeoutMs));
  }

  async #resync(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { room } = bodyOf(roomBody, await requestBody(request, ROOM_BYTES_MAX));
    await this.#ports.resync(room);
    answerJson(response, 200, { done: true });
  }
}

/** Names the limit that an error is of; whoever gets the answer may count it. */
export const LIMIT_HEADER = 'alcove-limit';

/** With the code `replica_unavailable`: of this room alone; for now, of all. */
export const ROOM_UNAVAILABLE = 404;
export const TOO_MUCH_TO_DO = 429;

const STATUS: Partial<Record<ErrorCode, number>> = {
  unauthenticated: 401,
  rate_limited: 429,
  bad_message: 400,
  message_too_large: 413,
  replica_unavailable: 503,
  closed: 503,
  internal: 500,
};

/** Of an answer that says what a read failed with. */
export function statusOf(error: AlcoveError): number {
  if (error instanceof RoomUnavailable) return ROOM_UNAVAILABLE;
  if (error.code === 'replica_unavailable' && error.limit !== undefined) return TOO_MUCH_TO_DO;
  return STATUS[error.code] ?? 422;
}

function bodyOf<Schema extends v.GenericSchema>(schema: Schema, text: string): v.InferOutput<Schema> {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    throw new AlcoveError('bad_message', 'the body is not what is asked for at this path');
  }
}

/** Tells that whoever asked has gone away. */
function goneSignal(response: ServerResponse): EndSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
