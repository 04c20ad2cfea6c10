import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AlcoveError } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { BearerGuard } from './bearer-guard.ts';
import type { BuilderPool } from './builder-pool.ts';
import { type DataDir, withSidecars } from './data-dir.ts';
import { answerError, answerJson, answerUnauthorized } from './http-answer.ts';
import { ROOM_ID } from './room-file-name.ts';

export interface FollowerEndpointOptions {
  readonly guard: BearerGuard;
  readonly rooms: ReadonlyMap<string, AnyRoom>;
  readonly dataDir: DataDir;
  readonly pool: BuilderPool;
}

/** Copies at once: each is as large as its room, on disk and on its way. */
const COPIES_MAX = 4;
/** A follower that takes nothing of a copy for so long is given up. */
const STALL_TIMEOUT_MS = 60_000;

/**
 * What followers fetch over HTTP, with their token as bearer token: `?copy=<room>/<id>`, a room's file as it is now, and `?rooms=<room>`, the ids of all rooms of a
 * name.
 */
export class FollowerEndpoint {
  readonly #options: FollowerEndpointOptions;
  #copies = 0;

  constructor(options: FollowerEndpointOptions) {
    this.#options = options;
  }

  /** Whether the request, for the server's own path, is a follower's. */
  static owns(target: string): boolean {
    return /[?&](?:copy|rooms)=/.test(target);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#options.guard.refusal(request, 'copies of rooms are for followers: Authorization: Bearer …');
    if (refusal !== null) return answerUnauthorized(response, refusal);
    const query = new URL(request.url ?? '', 'http://follower').searchParams;
    try {
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

  #roomIds(name: string): Promise<readonly string[]> {
    if (!this.#options.rooms.has(name))
      throw new AlcoveError('room_unknown', `this server has no room of the name ${JSON.stringify(name)}`);
    return this.#options.dataDir.roomIds(name);
  }

  async #copy(address: string, response: ServerResponse): Promise<void> {
    const { rooms, dataDir, pool } = this.#options;
    const [, name = '', id = ''] = /^([^/]+)\/([^/]+)$/.exec(address) ?? [];
    const definition = rooms.get(name);
    if (definition === undefined || !ROOM_ID.test(id))
      throw new AlcoveError('room_unknown', `there is no room ${JSON.stringify(address.slice(0, 300))}`);
    const { database: roomPath } = dataDir.roomFiles({ name, id });
    if (!existsSync(roomPath)) throw new AlcoveError('room_unknown', `there is no room ${name}/${id}`);
    if (this.#copies >= COPIES_MAX) throw new AlcoveError('overloaded', `${this.#copies} copies are on their way`, { retryAfterMs: 2_000 });
    const copyPath = join(dataDir.imageDirectory, `copy-${randomUUID()}`);
    this.#copies += 1;
    try {
      const emptied = definition.model.tables.filter(({ serverOnly }) => serverOnly).map((table) => table.name);
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

const statusOf = ({ code }: AlcoveError): number => (code === 'room_unknown' ? 404 : code === 'bad_message' ? 405 : 503);
