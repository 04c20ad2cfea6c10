import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import type { Account } from './pg-binaries.ts';
import { killTree, signalTree } from './pg-processes.mjs';

export interface Certificate {
  readonly file: string;
  readonly keyFile: string;
}

/** What all servers of a cluster have alike. */
export interface PgHome {
  /** Of `initdb` and `postgres`. */
  readonly binaries: string;
  readonly account: Account;
  readonly password: string;
  /** Null: there is no TLS. */
  readonly certificate: Certificate | null;
  readonly settings: Readonly<Record<string, string>>;
  /** Whoever ends what the tests leave is told of every process. */
  readonly tell: (message: { readonly started: number } | { readonly ended: number }) => void;
}

const DEADLINE_MS = 20_000;
const PROMOTE_DEADLINE_S = 20;
const POLL_MS = 15;
const PORT_TRIES = 20;
/** Below what systems hand out themselves, so that a server that is away for a while finds its port again. */
const [PORT_MIN, PORT_MAX] = [20_000, 32_000];

/** Small, and without a care for a power cut: tests want a start within a second. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  shared_buffers: '16MB',
  max_connections: '100',
  wal_level: 'replica',
  max_wal_senders: '8',
  wal_keep_size: '256MB',
  hot_standby: 'on',
  wal_retrieve_retry_interval: '100ms',
  dynamic_shared_memory_type: 'mmap', // in its own directory, which is removed
  jit: 'off',
  timezone: 'UTC',
  lc_messages: 'C',
};

/** One server of a cluster. Its address stays the same for as long as the cluster lives, also through `stop` and `start`. */
export class PgNode {
  readonly directory: string;
  readonly port: number;
  readonly #home: PgHome;
  #child: ChildProcess | null = null;
  #said = '';

  private constructor(home: PgHome, directory: string, port: number) {
    this.#home = home;
    this.directory = directory;
    this.port = port;
  }

  /** A server over a directory that is there already; started when this resolves. */
  static async at(home: PgHome, directory: string): Promise<PgNode> {
    for (let attempt = 1; ; attempt += 1) {
      const node = new PgNode(home, directory, await freePort());
      try {
        await node.start();
        return node;
      } catch (error) {
        if (!node.#said.includes('Address already in use') || attempt === PORT_TRIES) throw error;
      }
    }
  }

  /** Of a superuser. */
  get url(): string {
    const { password, certificate } = this.#home;
    const over = certificate === null ? '' : `?sslmode=verify-full&sslrootcert=${encodeURIComponent(certificate.file)}`;
    return `postgres://postgres:${password}@127.0.0.1:${this.port}/postgres${over}`;
  }

  /** The first process. Throws while the server is down. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`PostgreSQL in ${this.directory} is not running`);
    return pid;
  }

  get isUp(): boolean {
    return this.#child !== null;
  }

  /** What the server wrote to its log since it was started last. */
  get said(): string {
    return this.#said;
  }

  /** Resolves when connections are taken; a standby is consistent then, and perhaps behind. */
  async start(): Promise<void> {
    if (this.#child !== null) throw new Error(`PostgreSQL in ${this.directory} runs already`);
    const { certificate } = this.#home;
    const tls = certificate === null ? {} : { ssl: 'on', ssl_cert_file: certificate.file, ssl_key_file: certificate.keyFile };
    const settings = Object.entries({ ...SETTINGS, ...tls, ...this.#home.settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const { uid, gid } = this.#home.account;
    this.#said = '';
    const child = spawn(join(this.#home.binaries, 'postgres'), ['-D', this.directory, '-p', String(this.port), ...settings], {
      cwd: this.directory,
      detached: true, // a terminal's ^C is for the tests
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
    });
    this.#child = child;
    child.stderr.on('data', (bytes: Buffer) => {
      this.#said += bytes.toString();
    });
    await once(child, 'spawn');
    const { pid } = this;
    this.#home.tell({ started: pid });
    child.once('exit', () => {
      this.#home.tell({ ended: pid });
      if (this.#child === child) this.#child = null;
    });
    await this.#untilItAnswers(child);
  }

  /** `fast` ends what runs and writes everything out; `immediate` is a crash that gives its memory back. Resolves when the process is gone. */
  async stop(how: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#end(() => process.kill(this.pid, how === 'fast' ? 'SIGINT' : 'SIGQUIT'));
  }

  /** SIGKILL to all its processes: nobody is told, sockets are cut by the system. */
  async kill(): Promise<void> {
    await this.#end(() => killTree(this.pid));
  }

  /** SIGSTOP to all its processes: connections stay, new ones are taken by the system, nothing answers. */
  pause(): void {
    signalTree(this.pid, 'SIGSTOP');
  }

  resume(): void {
    signalTree(this.pid, 'SIGCONT');
  }

  /** Makes a primary of a standby, on the next timeline. Resolves when it takes writes. */
  async promote(): Promise<void> {
    const [row] = await this.query<{ promoted: boolean }>('SELECT pg_promote(true, $1) AS promoted', [PROMOTE_DEADLINE_S]);
    if (row?.promoted !== true) throw new Error(`PostgreSQL in ${this.directory} was not promoted within ${PROMOTE_DEADLINE_S} s`);
  }

  /** Has a standby follow another server from now on. */
  async follow(primary: PgNode): Promise<void> {
    await this.set('primary_conninfo', primary.conninfo);
  }

  /** How a standby connects to this one. */
  get conninfo(): string {
    return `host=127.0.0.1 port=${this.port} user=postgres password=${this.#home.password} application_name=standby`;
  }

  /** `recovery_min_apply_delay`: commits arrive at once and are applied so much later. Without effect on a primary. */
  async setApplyDelay(ms: number): Promise<void> {
    await this.set('recovery_min_apply_delay', `${ms}ms`);
  }

  /** Sets a setting that needs no restart, and waits until new sessions have it. */
  async set(name: string, value: string): Promise<void> {
    const loaded = async (): Promise<string | undefined> =>
      (await this.query<{ at: string }>('SELECT pg_conf_load_time()::text AS at'))[0]?.at;
    const before = await loaded();
    await this.query(`ALTER SYSTEM SET ${name} = '${value.replaceAll("'", "''")}'`);
    await this.query('SELECT pg_reload_conf()');
    await until(`PostgreSQL in ${this.directory} to take ${name} = ${value}`, async () => (await loaded()) !== before);
  }

  /** One statement over a connection of its own, as superuser. */
  async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'pg-node' });
    // The server may be killed between an answer and the end of its connection; a query that has none fails by itself.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  async #end(signal: () => void): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const gone = once(child, 'exit');
    signal();
    await gone;
  }

  async #untilItAnswers(child: ChildProcess): Promise<void> {
    await until(`PostgreSQL in ${this.directory} to start: ${this.#said}`, async () => {
      if (this.#child !== child) throw new Error(`PostgreSQL in ${this.directory} ended while it started: ${this.#said}`);
      if (!this.#said.includes('ready to accept')) return false;
      await this.query('SELECT 1');
      return true;
    });
  }
}

/** Asks until the answer is yes; throws after a deadline, with what it waited for. */
export function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + DEADLINE_MS;
    const look = async (): Promise<void> => {
      if (await isSo()) resolve();
      else if (Date.now() > deadline) reject(new Error(`waited ${DEADLINE_MS} ms in vain for ${what}`));
      else setTimeout(() => void look().catch(reject), POLL_MS);
    };
    look().catch(reject);
  });
}

/** A port that nobody listens on; somebody else may take it before we do, hence the tries above. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
