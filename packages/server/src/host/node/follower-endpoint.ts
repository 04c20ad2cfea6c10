import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AlcoveError, type ErrorCode } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import * as v from 'valibot';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { BearerGuard } from './bearer-guard.ts';
import type { BuilderPool } from './builder-pool.ts';
import { type DataDir, withSidecars } from './data-dir.ts';
import { answerError, answerJson, answerUnauthorized } from './http-answer.ts';
import { requestBody } from './request-body.ts';
import { ROOM_ID } from './room-file-name.ts';

export interface FollowerEndpointOptions {
  readonly guard: BearerGuard;
  readonly rooms: ReadonlyMap<string, AnyRoom>;
  readonly dataDir: DataDir;
  readonly pool: BuilderPool;
  /** Opens a room as for a tab that says hello, making it where that user may. @throws AlcoveError */
  open(address: RoomAddress, tab: AskingTab, request: IncomingMessage): Promise<void>;
}

/** A tab at a follower that says hello to a room that is not known there. */
export type AskingTab = v.InferOutput<typeof askingTab>;
const askingTab = v.object({
  token: v.nullable(v.string()),
  address: v.string(),
  origin: v.optional(v.string()),
  isLocal: v.boolean(),
});
/** A token and what a follower saw. */
const BODY_BYTES_MAX = 128 * 1024;

/** Copies at once: each is as large as its room, on disk and on its way. */
const COPIES_MAX = 4;
/** A follower that takes nothing of a copy for so long is given up. */
const STALL_TIMEOUT_MS = 60_000;

/**
 * What followers fetch over HTTP, with their token as bearer token: `?copy=<room>/<id>`, a room's file as it is now, and `?rooms=<room>`, the ids of all rooms of a
 * name. With POST `?open=<room>/<id>`: whether a tab at its door may have a room that is not there yet, which is then made.
 */
export class FollowerEndpoint {
  readonly #options: FollowerEndpointOptions;
  #copies = 0;

  constructor(options: FollowerEndpointOptions) {
    this.#options = options;
  }

  /** Whether the request, for the server's own path, is a follower's. */
  static owns(target: string): boolean {
    return /[?&](?:copy|rooms|open)=/.test(target);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#options.guard.refusal(request, 'copies of rooms are for followers: Authorization: Bearer …');
    if (refusal !== null) return answerUnauthorized(response, refusal);
    const query = new URL(request.url ?? '', 'http://follower').searchParams;
    try {
      const opened = query.get('open');
      if (opened !== null && request.method === 'POST') return await this.#open(opened, request, response);
      if (request.method !== 'GET') throw new AlcoveError('bad_message', `a follower asks with GET, not ${request.method}`);
      const name = query.get('rooms');
      if (name === null) await this.#copy(query.get('copy') ?? '', response);
      else answerJson(response, 200, { rooms: await this.#roomIds(name) });
    } catch (cause) {
      const error = AlcoveError.from(cause, 'room_failed');
      if (response.headersSent) response.destroy();
      else answerError(response, statusOf(error), error);
    }
  }

  async #open(address: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const tab = v.safeParse(askingTab, JSON.parse(await requestBody(request, BODY_BYTES_MAX)));
    if (!tab.success) throw new AlcoveError('bad_message', 'the body says of no tab what it has to');
    await this.#options.open(this.#addressOf(address), tab.output, request);
    answerJson(response, 200, {});
  }

  #roomIds(name: string): Promise<readonly string[]> {
    if (!this.#options.rooms.has(name))
      throw new AlcoveError('room_unknown', `this server has no room of the name ${JSON.stringify(name)}`);
    return this.#options.dataDir.roomIds(name);
  }

  /** @throws AlcoveError `room_unknown` */
  #addressOf(text: string): RoomAddress {
    const [, name = '', id = ''] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
    if (this.#options.rooms.has(name) && ROOM_ID.test(id)) return { name, id };
    throw new AlcoveError('room_unknown', `there is no room ${JSON.stringify(text.slice(0, 300))}`);
  }

  async #copy(address: string, response: ServerResponse): Promise<void> {
    const { rooms, dataDir, pool } = this.#options;
    const { name, id } = this.#addressOf(address);
    const { database: roomPath } = dataDir.roomFiles({ name, id });
    if (!existsSync(roomPath)) throw new AlcoveError('room_unknown', `there is no room ${name}/${id}`);
    if (this.#copies >= COPIES_MAX) throw new AlcoveError('overloaded', `${this.#copies} copies are on their way`, { retryAfterMs: 2_000 });
    const copyPath = join(dataDir.imageDirectory, `copy-${randomUUID()}`);
    this.#copies += 1;
    try {
      const emptied = (rooms.get(name)?.model.tables ?? []).filter(({ serverOnly }) => serverOnly).map((table) => table.name);
      const { bytes } = await pool.run({ kind: 'copy', roomPath, copyPath, emptied });
      response.writeHead(200, { 'content-type': 'application/vnd.sqlite3', 'content-length': bytes, 'cache-control': 'no-store' });
      response.setTimeout(STALL_TIMEOUT_MS, () => response.destroy());
      await pipeline(createReadStream(copyPath), response);
    } finally {
      this.#copies -= 1;
      for (const file of withSidecars(copyPath)) await rm(file, { force: true });
    }
  }
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  room_unknown: 404,
  bad_message: 405,
  unauthenticated: 403,
  forbidden: 403,
  rate_limited: 429,
};

const statusOf = ({ code }: AlcoveError): number => STATUS[code] ?? 503;
