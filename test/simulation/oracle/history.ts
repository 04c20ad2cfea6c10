import { assert } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { decodeAcks } from '../../../packages/server/src/change-log/ack.ts';
import type { Ack } from '../../../packages/server/src/change-log/ack.ts';
import type { Findings } from '../world/findings.ts';

/** One version as the room's log had it when it was committed. */
export interface Version {
  readonly version: number;
  readonly atMs: number;
  readonly hash: string;
  readonly acks: readonly Ack[];
  readonly record: string;
}

/** How a mutation was settled, once and for all. */
export interface Fate {
  readonly version: number;
  /** Place among all mutations of the history. */
  readonly place: number;
  readonly rejected: { readonly code: string; readonly message: string } | null;
}

/**
 * The room's history as an outsider wrote it down: each version right after its COMMIT, long before the log forgets it. What a crash takes back is crossed out;
 * what was durable may never be.
 */
export class History {
  readonly #findings: Findings;
  readonly #versions: Version[] = [];
  readonly #fates = new Map<string, Fate>();
  readonly #lastOfClient = new Map<string, number>();
  #durable = 0;
  #durablePlace = 0;
  #place = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Newest version committed; perhaps not durable. */
  get head(): number {
    return this.#versions.length;
  }

  get durable(): number {
    return this.#durable;
  }

  /** Versions are 1, 2, 3 … */
  at(version: number): Version {
    const found = this.#versions[version - 1];
    assert(found !== undefined, `version ${version} is in the history`);
    return found;
  }

  /** Place of the last mutation that is durable; 0: none is. */
  get durablePlace(): number {
    return this.#durablePlace;
  }

  fateOf(clientId: string, mutationId: number): Fate | undefined {
    return this.#fates.get(`${clientId} ${mutationId}`);
  }

  /** Reads what the log has got since; called after every flush. */
  harvest(database: Database): void {
    const rows = database
      .prepare('SELECT version, at_ms, hash, acks, record FROM alcove_log WHERE version > ? ORDER BY version')
      .all([this.head]);
    for (const [version, atMs, hash, acks, record] of rows) {
      const next = {
        version: Number(version),
        atMs: Number(atMs),
        hash: String(hash),
        acks: decodeAcks(String(acks)),
        record: String(record),
      };
      this.#findings.check(next.version === this.head + 1, 'I11', () => `version ${next.version} follows ${this.head}`);
      this.#versions.push(next);
      for (const ack of next.acks) this.#settle(next.version, ack);
    }
  }

  /** Versions up to here can be told: they must outlive every crash from now on. */
  secured(version: number): void {
    this.#durable = Math.max(this.#durable, version);
    if (version === this.head) this.#durablePlace = this.#place;
  }

  /** The room was opened again from what a crash left; its head must lie between what was durable and what was committed. */
  reopened(database: Database): void {
    const rows = database.prepare('SELECT version, hash FROM alcove_log ORDER BY version').all();
    const floor = Number(database.prepare("SELECT value FROM alcove_meta WHERE name = 'floor'").get()?.[0] ?? 0);
    const head = Number(rows.at(-1)?.[0] ?? floor);
    this.#findings.check(
      head >= this.#durable,
      'I1',
      () => `the room came back at version ${head}, though version ${this.#durable} was durable`,
    );
    for (const [version, hash] of rows) {
      const known = this.#versions[Number(version) - 1];
      if (known !== undefined && known.hash !== hash) {
        this.#findings.report('I11', `version ${Number(version)} came back with another hash than it was committed with`);
        return;
      }
    }
    this.#crossOut(head);
    this.harvest(database);
  }

  #crossOut(head: number): void {
    for (const { acks } of this.#versions.splice(head)) {
      for (const { clientId, mutationId } of acks) {
        this.#fates.delete(`${clientId} ${mutationId}`);
        this.#lastOfClient.set(clientId, Math.min(this.#lastOfClient.get(clientId) ?? 0, mutationId - 1));
      }
    }
  }

  #settle(version: number, { clientId, mutationId, rejected }: Ack): void {
    const name = `${clientId} ${mutationId}`;
    const before = this.#fates.get(name);
    this.#findings.check(
      before === undefined,
      'I2',
      () => `mutation ${name} was settled by version ${before?.version} and again by ${version}`,
    );
    const last = this.#lastOfClient.get(clientId) ?? 0;
    this.#findings.check(mutationId === last + 1, 'I3', () => `mutation ${mutationId} of ${clientId} was settled after mutation ${last}`);
    this.#lastOfClient.set(clientId, mutationId);
    this.#place += 1;
    this.#fates.set(name, { version, place: this.#place, rejected });
  }
}
