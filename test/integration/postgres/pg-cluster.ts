import type { ChildProcess } from 'node:child_process';
import { execFile, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Account, accountOfServers, binariesFor } from './pg-binaries.ts';
import { type Certificate, type PgHome, PgNode, until } from './pg-node.ts';

export interface PgClusterOptions {
  /** 0 unless told. */
  readonly standbys?: number;
  /** Of every standby, from the start. */
  readonly applyDelayMs?: number;
  /** Of all servers, over those of PgNode. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Nobody is let in but over TLS; addresses say so, and by which certificate. */
  readonly tls?: boolean;
}

const run = promisify(execFile);

/**
 * A real PostgreSQL: one primary and streaming hot standbys, for one file of tests. Everything is ended by `close()`, and by a process of its own where
 * the tests are killed before (pg-keeper.mjs).
 *
 * Text is ordered by ICU's English unless a column says otherwise: whoever forgets `COLLATE "C"` finds out.
 */
export class PgCluster {
  readonly primary: PgNode;
  readonly standbys: PgNode[] = [];
  readonly #directory: string;
  readonly #home: PgHome;
  readonly #keeper: ChildProcess;

  private constructor(directory: string, home: PgHome, keeper: ChildProcess, primary: PgNode) {
    this.#directory = directory;
    this.#home = home;
    this.#keeper = keeper;
    this.primary = primary;
  }

  /** Resolves when all servers answer and every standby streams. */
  static async start(options: PgClusterOptions = {}): Promise<PgCluster> {
    const directory = mkdtempSync(join(tmpdir(), 'alcove-pg-'));
    const keeper = fork(fileURLToPath(new URL('./pg-keeper.mjs', import.meta.url)), [directory], {
      detached: true,
      execArgv: [],
      stdio: 'ignore',
    });
    try {
      const account = accountOfServers();
      if (account.uid !== undefined && account.gid !== undefined) chownSync(directory, account.uid, account.gid);
      const home: PgHome = {
        binaries: await binariesFor(account, directory),
        account,
        password: randomBytes(12).toString('hex'),
        certificate: options.tls === true ? await newCertificate(directory, account) : null,
        settings: options.settings ?? {},
        tell: (message) => {
          if (keeper.connected) keeper.send(message);
        },
      };
      const cluster = new PgCluster(directory, home, keeper, await newPrimary(directory, home));
      for (let count = 0; count < (options.standbys ?? 0); count += 1) await cluster.addStandby(options.applyDelayMs);
      return cluster;
    } catch (error) {
      await endedBy(keeper);
      throw error;
    }
  }

  /** One more standby of the primary, by a base backup while it runs. */
  async addStandby(applyDelayMs = 0): Promise<PgNode> {
    const directory = join(this.#directory, `standby-${this.standbys.length + 1}`);
    const client = new pg.Client({ connectionString: this.primary.url });
    await client.connect();
    try {
      await client.query("SELECT pg_backup_start('standby', true)");
      await run('cp', ['-a', this.primary.directory, directory]);
      const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
      this.#write(join(directory, 'backup_label'), rows[0]?.labelfile ?? '');
    } finally {
      await client.end();
    }
    for (const file of ['postmaster.pid', 'postmaster.opts']) rmSync(join(directory, file), { force: true });
    this.#write(join(directory, 'standby.signal'), '');
    this.#write(
      join(directory, 'postgresql.auto.conf'),
      `primary_conninfo = '${this.primary.conninfo}'\nrecovery_min_apply_delay = '${applyDelayMs}ms'\n`,
    );
    const standby = await PgNode.at(this.#home, directory);
    this.standbys.push(standby);
    await this.#untilStreaming(standby);
    return standby;
  }

  /** Resolves when every standby that runs has applied what the primary has committed by now. */
  async level(): Promise<void> {
    const [row] = await this.primary.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
    for (const standby of this.standbys.filter(({ isUp }) => isUp)) {
      await until(`the standby on port ${standby.port} to apply ${row?.lsn ?? ''}`, async () => {
        const [at] = await standby.query<{ level: boolean }>('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS level', [row?.lsn]);
        return at?.level === true;
      });
    }
  }

  /** Ends every process, paused ones too, and removes the directory. */
  async close(): Promise<void> {
    await endedBy(this.#keeper);
  }

  async #untilStreaming(standby: PgNode): Promise<void> {
    await until(`the standby on port ${standby.port} to stream`, async () => {
      const [row] = await standby.query<{ status: string }>('SELECT status FROM pg_stat_wal_receiver');
      return row?.status === 'streaming';
    });
  }

  #write(file: string, text: string): void {
    writeFileSync(file, text, { mode: 0o600 });
    const { uid, gid } = this.#home.account;
    if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
  }
}

async function newPrimary(directory: string, home: PgHome): Promise<PgNode> {
  const { uid, gid } = home.account;
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, home.password, { mode: 0o600 });
  if (uid !== undefined && gid !== undefined) chownSync(passwordFile, uid, gid);
  const flags = ['--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale=C'];
  const fast = ['--no-sync', '--no-instructions', '--wal-segsize=4'];
  const order = ['--locale-provider=icu', '--icu-locale=en'];
  const primary = join(directory, 'primary');
  await run(join(home.binaries, 'initdb'), [`--pgdata=${primary}`, ...flags, ...fast, ...order], {
    cwd: directory,
    ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
  });
  if (home.certificate !== null) {
    const rules = join(primary, 'pg_hba.conf');
    writeFileSync(rules, readFileSync(rules, 'utf8').replaceAll(/^host\b/gm, 'hostssl'));
  }
  return PgNode.at(home, primary);
}

/** One that vouches for itself. */
async function newCertificate(directory: string, { uid, gid }: Account): Promise<Certificate> {
  const [file, keyFile] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile];
  await run('openssl', ['req', '-x509', ...key, '-out', file, '-days', '2', ...names]);
  chmodSync(keyFile, 0o600);
  if (uid !== undefined && gid !== undefined) for (const one of [file, keyFile]) chownSync(one, uid, gid);
  return { file, keyFile };
}

/** Tells the keeper that it is time and waits until it is done. */
async function endedBy(keeper: ChildProcess): Promise<void> {
  if (keeper.exitCode !== null || keeper.signalCode !== null) return;
  const gone = once(keeper, 'exit');
  if (keeper.connected) keeper.disconnect();
  await gone;
}
