import { decodeRecord } from '@alcove/core/change/record-codec';
import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import { parseArguments } from '@alcove/core/mutation/parse-arguments';
import { seeded } from '@alcove/core/mutation/seeded';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { AnyMutator, Claims, MutatorBody } from '@alcove/core/schema/define-mutator';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';
import { mutatorTx } from '@alcove/core/sqlite/drizzle';
import type { Ack } from '../../../packages/server/src/change-log/ack.ts';
import { isForbidden } from '../room/rights.ts';
import { seedPlayground } from '../room/playground.ts';
import type { Findings } from '../world/findings.ts';
import { dump } from './dump.ts';
import type { Dump } from './dump.ts';
import type { History, Version } from './history.ts';
import type { Registry } from './registry.ts';

export interface ShadowSources {
  /** With all tables and mutators that the history ever had. */
  readonly room: AnyRoom;
  readonly history: History;
  readonly registry: Registry;
  readonly findings: Findings;
  /** Whether nothing of this mutation may be left with anybody who speaks for its client: then its id is used up by one that does nothing. */
  mayBeVoid(clientId: string, mutationId: number): boolean;
  openDatabase(): Database;
}

/** Rejections that a limit of the room decides, and not what the mutator meets: the log is believed, where the mutator can run into one at all. */
const BY_LIMIT = new Set(['mutator_limit']);
const CAN_EXCEED = new Set(['flood']);

/**
 * The plain oracle: a fresh database in which the history's mutations are run again, in order, by nothing but their own bodies. No capture, no change sets, no
 * rebase. Where it and the room differ in an outcome, or it and a replica in a row, one of them is wrong.
 */
export class Shadow {
  readonly #sources: ShadowSources;
  readonly #database: Database;
  #version = 0;

  constructor(sources: ShadowSources) {
    this.#sources = sources;
    this.#database = sources.openDatabase();
    for (const sql of roomDdl(sources.room.model, { serverOnly: true })) this.#database.exec(sql);
    this.#database.transaction(() => seedPlayground(mutatorTx(this.#database)));
  }

  get version(): number {
    return this.#version;
  }

  /** Runs the history on to `version`; it cannot go back. */
  goTo(version: number): void {
    while (this.#version < version) {
      this.#version += 1;
      this.#replay(this.#sources.history.at(this.#version));
    }
  }

  /** What a room or tab with that model has. */
  dump(model: RoomModel): Dump {
    return dump(this.#database, model);
  }

  /** What a tab of that definition must show: the state at the version it stands at, then its pending mutations, each without effect where it throws. */
  dumpWithPending(pending: readonly Mutation[], user: Claims | null, room: AnyRoom): Dump {
    let shown: Dump = new Map();
    const undo = new Error('undo');
    try {
      this.#database.transaction(() => {
        for (const mutation of pending) this.#attempt(room, mutation, user, undefined);
        shown = this.dump(room.model);
        throw undo;
      });
    } catch (error) {
      if (error !== undo) throw error;
    }
    return shown;
  }

  close(): void {
    this.#database.close();
  }

  #replay({ version, atMs, acks, record }: Version): void {
    this.#database.transaction(() => {
      for (const ack of acks) this.#replayAck(version, atMs, ack);
      this.#takeValues(record);
    });
  }

  #replayAck(version: number, atMs: number, { clientId, mutationId, rejected }: Ack): void {
    const { registry, findings } = this.#sources;
    const registered = registry.get(clientId, mutationId);
    const name = `mutation ${mutationId} of ${clientId} (version ${version})`;
    if (rejected?.code === 'mutator_unknown' && this.#sources.mayBeVoid(clientId, mutationId)) return;
    if (registered === undefined) return findings.report('I2', `${name} is in the log, and nobody made it`);
    const { mutation, user } = registered;
    if (rejected !== null && BY_LIMIT.has(rejected.code) && CAN_EXCEED.has(mutation.name)) return;
    const code = isForbidden(mutation) ? 'forbidden' : this.#attempt(this.#sources.room, mutation, user, atMs);
    findings.check(
      code === (rejected?.code ?? null),
      'I22',
      () =>
        `${name}, ${mutation.name} ${JSON.stringify(mutation.args)}: the room says ${rejected?.code ?? 'applied'}, the oracle ${code ?? 'applied'}`,
    );
  }

  /** Runs one mutator in a savepoint. The code it failed with; null where it did not. */
  #attempt({ mutators }: AnyRoom, mutation: Mutation, user: Claims | null, serverNow: number | undefined): string | null {
    const mutator: AnyMutator | undefined = Object.hasOwn(mutators, mutation.name) ? mutators[mutation.name] : undefined;
    if (mutator === undefined) return 'mutator_unknown';
    const { random, id } = seeded(mutation.seed);
    const isServer = serverNow !== undefined;
    const { clientId, mutationId, nowMs: now } = mutation;
    try {
      const args = parseArguments(mutation.name, mutator.schema, mutation.args);
      const body = mutator.body as MutatorBody<unknown>; // it takes what its own schema gives
      this.#database.transaction(() =>
        body(mutatorTx(this.#database), args, {
          now,
          serverNow,
          random,
          id,
          user,
          isServer,
          clientId,
          mutationId,
          afterCommit: () => undefined,
        }),
      );
      return null;
    } catch (error) {
      return AlcoveError.from(error, 'mutator_failed').code;
    }
  }

  /** Debounced values are no mutations: their rows are taken from the record, and judged by a check of their own. */
  #takeValues(record: string): void {
    for (const { table, columns, rows } of decodeRecord(record).tables) {
      if (table !== 'alcove_values') continue;
      const sql = `INSERT OR REPLACE INTO alcove_values (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
      for (const { after } of rows) if (after !== null) this.#database.prepare(sql).run(after);
    }
  }
}
