import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AlcoveServer, createServer, type RoomHandle, type ServerOptions } from '@alcove/server/node';
import { vi } from 'vitest';
import type { ReplicaSnapshot, RouterSnapshot } from '../../../packages/server/src/read/router-snapshot.ts';
import { CollectingLogger } from '../../fake/collecting-logger.ts';
import { BreakableLink } from './breakable-link.ts';
import { ADMIN_TOKEN, FOLLOWER_TOKEN, ledgerRoom, sums } from './fault-room.ts';
import { readerPids } from './process-tree.ts';

type Options = Partial<ServerOptions<readonly [typeof ledgerRoom]>>;

/** What takes a minute elsewhere takes a second here, so that breakers open and close while a test runs. */
export const QUICK = { checkIntervalMs: 500, failoverTimeoutMs: 500, breakerOpenMs: 1_000, rampMs: 500, breakerFailuresMax: 3 } as const;
const TIMEOUT_MS = 25_000;

/** A server in this process, with real reader processes, and real followers of it in processes of their own, on links that can be broken. */
export class FaultFleet {
  readonly followers: FaultyFollower[] = [];
  server: AlcoveServer<readonly [typeof ledgerRoom]>;
  readonly #directory: string;

  static async start(followers: number, options: Options = {}): Promise<FaultFleet> {
    const directory = mkdtempSync(join(tmpdir(), 'alcove-faults-'));
    const server = await serve(directory, options);
    const fleet = new FaultFleet(server, directory);
    await server.rooms.create('ledger', 'main');
    for (let index = 0; index < followers; index += 1) await fleet.#addFollower(`follower-${index + 1}`);
    await fleet.isSound();
    return fleet;
  }

  private constructor(server: AlcoveServer<readonly [typeof ledgerRoom]>, directory: string) {
    this.server = server;
    this.#directory = directory;
  }

  get room(): RoomHandle<typeof ledgerRoom> {
    return this.server.room(ledgerRoom, 'main');
  }

  get readers(): readonly number[] {
    return readerPids(process.pid);
  }

  /** As `/status` has it. */
  async routing(): Promise<RouterSnapshot> {
    const response = await fetch(`${this.server.url.replace(/^ws/, 'http')}/status`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    return ((await response.json()) as { reads: RouterSnapshot }).reads;
  }

  async replica(id: string): Promise<ReplicaSnapshot> {
    const found = (await this.routing()).replicas.find((one) => one.id === id);
    if (found === undefined) throw new TypeError(`there is no replica ${id}`);
    return found;
  }

  /** Everybody was found well and gets all of its reads. Reads try who was out. */
  isSound(read: () => Promise<unknown> = () => this.room.sql(sums, { at: 'any' })): Promise<void> {
    return eventually(async () => {
      await Promise.all(Array.from({ length: 4 }, read));
      const ill = (await this.routing()).replicas.filter((replica) => !isWell(replica));
      if (ill.length > 0) throw new TypeError(`not well yet: ${JSON.stringify(ill)}`);
    });
  }

  /** The server ends, and another goes on from its files. */
  async restart(options: Options): Promise<void> {
    await this.server.close();
    this.server = await serve(this.#directory, options);
  }

  async close(): Promise<void> {
    await Promise.all(this.followers.map((follower) => follower.close()));
    await this.server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #addFollower(id: string): Promise<void> {
    const follower = await FaultyFollower.start(join(this.#directory, id), this.server.url);
    this.followers.push(follower);
    const response = await fetch(`${this.server.url.replace(/^ws/, 'http')}/replicas`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      body: JSON.stringify({ do: 'add', replica: { id, url: follower.reads.url }, followerToken: FOLLOWER_TOKEN }),
    });
    if (!response.ok) throw new TypeError(await response.text());
  }
}

const serve = (directory: string, options: Options): Promise<AlcoveServer<readonly [typeof ledgerRoom]>> =>
  createServer({
    rooms: [ledgerRoom],
    dataDir: join(directory, 'primary'),
    port: 0,
    host: '127.0.0.1',
    signals: false,
    readers: 2,
    log: new CollectingLogger(),
    followers: { token: FOLLOWER_TOKEN },
    admin: { token: ADMIN_TOKEN },
    replicas: { limits: QUICK },
    ...options,
    limits: { readTimeoutMs: 1_000, mutatorTimeBudgetMs: 60_000, ...options.limits },
  });

const isWell = ({ isPrimary, isUp, pace, breakers }: ReplicaSnapshot): boolean =>
  (isPrimary || isUp === true) && pace === 'closed' && Object.values(breakers).every((state) => state === 'closed');

export const eventually = (check: () => Promise<void> | void): Promise<void> => vi.waitFor(check, { timeout: TIMEOUT_MS, interval: 50 });

/** A follower's process, the way from it to its primary and the way from the primary to it. */
export class FaultyFollower {
  /** Its log comes by it. */
  readonly log: BreakableLink;
  /** It is read by it. */
  readonly reads: BreakableLink;
  readonly #dataDir: string;
  readonly #port: number;
  #process: ChildProcess;

  static async start(dataDir: string, primary: string): Promise<FaultyFollower> {
    const log = await BreakableLink.to(primary);
    const { child, url } = await spawnFollower(dataDir, log.url, 0);
    return new FaultyFollower(dataDir, log, await BreakableLink.to(url), Number(new URL(url).port), child);
  }

  private constructor(dataDir: string, log: BreakableLink, reads: BreakableLink, port: number, child: ChildProcess) {
    this.#dataDir = dataDir;
    this.log = log;
    this.reads = reads;
    this.#port = port;
    this.#process = child;
  }

  /** It stands still: its sockets are open and say nothing. */
  pause(): void {
    this.#process.kill('SIGSTOP');
  }

  goOn(): void {
    this.#process.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  /** After `kill`, under the same address. */
  async startAgain(): Promise<void> {
    this.#process = (await spawnFollower(this.#dataDir, this.log.url, this.#port)).child;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async close(): Promise<void> {
    this.log.close();
    this.reads.close();
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
  }
}

async function spawnFollower(dataDir: string, from: string, port: number): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const file = fileURLToPath(new URL('./follower-process.ts', import.meta.url));
  const args = ['--conditions=@alcove/source', '--import', import.meta.resolve('tsx'), file, dataDir, from, String(port)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.once('exit', (code) => reject(new TypeError(`a follower ended with code ${code}`)));
  });
  return { child, url };
}
