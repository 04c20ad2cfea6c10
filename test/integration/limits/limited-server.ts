import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AlcoveServer, HostLimits, RoomLimits, ServerOptions } from '@alcove/server/node';
import { createServer } from '@alcove/server/node';
import { CollectingLogger } from '../../fake/collecting-logger.ts';
import { RawSocket } from '../raw-socket.ts';
import { limited } from './limited-room.ts';
import { Peer } from './peer.ts';

export type AnyLimits = Partial<RoomLimits & HostLimits>;
type Options = Partial<ServerOptions<readonly [typeof limited]>>;

export const ADMIN_TOKEN = 'the-admin-token-of-these-tests';

/** Says whose token it is: the user's name. */
const authenticate = (token: string | null) => ({ sub: token ?? 'nobody' });

/** A real server with some limits lowered, and whoever talks to it; all gone with `end`. */
export class LimitedServer {
  readonly server: AlcoveServer<readonly [typeof limited]>;
  readonly #dataDir: string;
  readonly #peers: Peer[] = [];
  readonly #raws: RawSocket[] = [];

  private constructor(server: AlcoveServer<readonly [typeof limited]>, dataDir: string) {
    this.server = server;
    this.#dataDir = dataDir;
  }

  static async start(limits: AnyLimits, options: Options = {}): Promise<LimitedServer> {
    const dataDir = mkdtempSync(join(tmpdir(), 'alcove-limits-'));
    const server = await createServer({
      rooms: [limited],
      dataDir,
      port: 0,
      host: '127.0.0.1',
      signals: false,
      log: new CollectingLogger(),
      authenticate,
      admin: { token: ADMIN_TOKEN },
      // A busy machine must not turn a long mutation into a rejected one.
      limits: { mutatorTimeBudgetMs: 60_000, ...limits },
      ...options,
    });
    return new LimitedServer(server, dataDir);
  }

  /** How often that limit was met, in all. */
  met(limit: string): number {
    return this.server.metrics().limitsMet[limit] ?? 0;
  }

  /** A socket that has said nothing yet. */
  async open(): Promise<Peer> {
    const peer = new Peer(this.server.url);
    this.#peers.push(peer);
    await peer.client.opened();
    return peer;
  }

  /** A socket that said hello, whatever came of it. */
  async arrive(user: string, id = 'room', more: Record<string, unknown> = {}): Promise<Peer> {
    const peer = await this.open();
    peer.client.hello(id, { room: 'limited', token: user, ...more });
    return peer;
  }

  /** Somebody who is in the room. */
  async join(user: string, id = 'room', more: Record<string, unknown> = {}): Promise<Peer> {
    const peer = await this.arrive(user, id, more);
    await peer.client.heard('welcome');
    return peer;
  }

  /** A request for a socket, byte by byte; what it was answered. */
  async raw(): Promise<Awaited<ReturnType<typeof RawSocket.open>>> {
    const opened = await RawSocket.open(this.server.url);
    this.#raws.push(opened.raw);
    return opened;
  }

  /** Somebody in a room, byte by byte. */
  async joinedRaw(frameOf: (text: string) => Buffer): Promise<RawSocket> {
    const { raw } = await this.raw();
    raw.write(
      frameOf(
        JSON.stringify({ type: 'hello', protocol: 1, room: 'limited', id: 'room', clientId: `raw-${this.#raws.length}`, token: 'raw' }),
      ),
    );
    await raw.until(() => raw.texts().some((text) => text.includes('"welcome"')));
    return raw;
  }

  /** Everybody goes. */
  leave(): void {
    for (const { client } of this.#peers) client.cut();
    for (const { socket } of this.#raws) socket.destroy();
  }

  async end(): Promise<void> {
    this.leave();
    await this.server.close();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}
