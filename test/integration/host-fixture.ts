import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AlcoveServer, ServerOptions } from '@alcove/server/node';
import { createServer } from '@alcove/server/node';
import { CollectingLogger } from '../fake/collecting-logger.ts';
import { type ChildServer, startChildServer } from './child-server.ts';
import { PlainClient } from './plain-client.ts';
import { RawSocket } from './raw-socket.ts';
import { trip } from './trip-room.ts';

type TripServer = AlcoveServer<readonly [typeof trip]>;
type TripOptions = Partial<ServerOptions<readonly [typeof trip]>>;

/** Servers, clients and directories of one test; all gone when it ends. */
export class HostFixture {
  readonly log = new CollectingLogger();
  readonly dataDir = mkdtempSync(join(tmpdir(), 'alcove-host-'));
  readonly #servers: { close(): Promise<void> }[] = [];
  readonly #clients: PlainClient[] = [];
  readonly #raws: RawSocket[] = [];
  readonly #children: ChildProcess[] = [];

  async server(options: TripOptions = {}): Promise<TripServer> {
    // A busy machine must not turn a long mutation into a rejected one.
    const limits = { mutatorTimeBudgetMs: 60_000, ...options.limits };
    const server = await createServer({ rooms: [trip], dataDir: this.dataDir, port: 0, signals: false, log: this.log, ...options, limits });
    this.#servers.push(server);
    return server;
  }

  /** A server in a process of its own, over the same directory where none is named. */
  async childServer({
    dataDir = this.dataDir,
    env,
  }: {
    readonly dataDir?: string;
    readonly env?: NodeJS.ProcessEnv;
  } = {}): Promise<ChildServer> {
    const server = await startChildServer(dataDir, env);
    this.child(server.child);
    return server;
  }

  /** A process that does not outlive the test. */
  child(child: ChildProcess): ChildProcess {
    this.#children.push(child);
    return child;
  }

  /** A server of other rooms, closed with the rest. */
  add<Server extends { close(): Promise<void> }>(server: Server): Server {
    this.#servers.push(server);
    return server;
  }

  client(url: string, options?: ConstructorParameters<typeof PlainClient>[1]): PlainClient {
    const client = new PlainClient(url, options);
    this.#clients.push(client);
    return client;
  }

  async join(url: string, id: string, more: Record<string, unknown> = {}): Promise<PlainClient> {
    const client = await PlainClient.join(url, id, more);
    this.#clients.push(client);
    return client;
  }

  async raw(url: string, headers?: Record<string, string>): Promise<Awaited<ReturnType<typeof RawSocket.open>>> {
    const opened = await RawSocket.open(url, headers);
    this.#raws.push(opened.raw);
    return opened;
  }

  async end(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const client of this.#clients) client.cut();
    for (const raw of this.#raws) raw.socket.destroy();
    await Promise.all(this.#servers.map((server) => server.close()));
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
