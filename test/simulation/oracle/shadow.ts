import { decodeRecord } from '@alcove/core/change/record-codec';
import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import { parseArguments } from '@alcove/core/mutation/parse-arguments';
import { seeded } from '@alcove/core/mutation/seeded';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { AnyMutator, Claims, MutatorBody } from '@alcove/core/schema/define-mutator';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { mutatorTx } from '@alcove/core/sqlite/mutator-tx';
import { filtersReaders } from '@alcove/core/schema/row-rules';
import type { Ack } from '../../../packages/server/src/change-log/ack.ts';
import type { Note } from '../room/notes.ts';
import { isForbidden } from '../room/rights.ts';
import type { Sight } from '../room/rule-sets.ts';
import { seedPlayground } from '../room/playground.ts';
import type { Findings } from '../world/findings.ts';
import { dump } from './dump.ts';
import type { Dump } from './dump.ts';
import type { History, Version } from './history.ts';
import type { Registry } from './registry.ts';
import type { RunFacts } from './runs.ts';

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

/** Whose replica it is. */
export interface Viewer {
  readonly user: Claims | null;
  readonly room: AnyRoom;
  readonly sight: Sight;
}

/** What the room adds to a run of its own. */
interface InRoom {
  readonly serverNow: number;
  /** Whether the mutation may leave a note so. */
  mayLeave(before: Note | null, after: Note | null): boolean;
}

const NOTE_COLUMNS = ['id', 'slot', 'team', 'level', 'owner', 'body', 'secret'] as const;

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

  /** What a tab must show: what its viewer may see of the state at the version it stands at, then its pending mutations, each without effect where it throws. */
  dumpWithPending(pending: readonly Mutation[], { user, room, sight }: Viewer): Dump {
    let shown: Dump = new Map();
    const undo = new Error('undo');
    const isFiltered = filtersReaders(room.tableRules);
    if (isFiltered) this.#database.setForeignKeys(false);
    try {
      this.#database.transaction(() => {
        this.#leaveOnly(sight);
        for (const mutation of pending) this.#attempt(room, mutation, user, null);
        shown = this.dump(room.model);
        throw undo;
      });
    } catch (error) {
      if (error !== undo) throw error;
    } finally {
      if (isFiltered) this.#database.setForeignKeys(true);
    }
    return shown;
  }

  /** What a query says of what is seen of the state at this version. */
  rowsSeen(sql: string, params: Row, sight: Sight): Row[] {
    let rows: Row[] = [];
    const undo = new Error('undo');
    this.#database.setForeignKeys(false);
    try {
      this.#database.transaction(() => {
        this.#leaveOnly(sight);
        rows = this.#database.prepare(sql).all(params);
        throw undo;
      });
    } catch (error) {
      if (error !== undo) throw error;
    } finally {
      this.#database.setForeignKeys(true);
    }
    return rows;
  }

  #leaveOnly({ tables }: Sight): void {
    for (const [table, { visible, hidden }] of Object.entries(tables)) {
      this.#database.exec(`DELETE FROM ${table} WHERE (${visible}) IS NOT TRUE`);
      if (hidden !== undefined) this.#database.exec(`UPDATE ${table} SET ${hidden.column} = NULL WHERE (${hidden.when}) IS NOT FALSE`);
    }
  }

  close(): void {
    this.#database.close();
  }

  #replay({ version, atMs, acks, record, runs }: Version): void {
    this.#database.transaction(() => {
      for (const [at, ack] of acks.entries()) this.#replayAck(version, atMs, ack, runs[at]);
      this.#takeValues(record);
    });
  }

  #replayAck(version: number, serverNow: number, { clientId, mutationId, rejected }: Ack, run: RunFacts | undefined): void {
    const { registry, findings } = this.#sources;
    const registered = registry.get(clientId, mutationId);
    const name = `mutation ${mutationId} of ${clientId} (version ${version})`;
    if (rejected?.code === 'mutator_unknown' && this.#sources.mayBeVoid(clientId, mutationId)) return;
    if (registered === undefined) return findings.report('I2', `${name} is in the log, and nobody made it`);
    const { mutation, user } = registered;
    if (rejected !== null && BY_LIMIT.has(rejected.code) && CAN_EXCEED.has(mutation.name)) return;
    const claims = run?.user ?? user;
    const mayLeave: InRoom['mayLeave'] = (before, after) =>
      run === undefined || claims === null || run.ruleSet.mayLeave(before, after, claims);
    const code = isForbidden(mutation) ? 'forbidden' : this.#attempt(this.#sources.room, mutation, claims, { serverNow, mayLeave });
    findings.check(
      code === (rejected?.code ?? null),
      'I22',
      () =>
        `${name}, ${mutation.name} ${JSON.stringify(mutation.args)}: the room says ${rejected?.code ?? 'applied'}, the oracle ${code ?? 'applied'}`,
    );
  }

  /** Runs one mutator in a savepoint. The code it failed with; null where it did not. */
  #attempt({ mutators }: AnyRoom, mutation: Mutation, user: Claims | null, inRoom: InRoom | null): string | null {
    const mutator: AnyMutator | undefined = Object.hasOwn(mutators, mutation.name) ? mutators[mutation.name] : undefined;
    if (mutator === undefined) return 'mutator_unknown';
    const { random, id } = seeded(mutation.seed);
    const serverNow = inRoom?.serverNow;
    const isServer = inRoom !== null;
    const { clientId, mutationId, nowMs: now } = mutation;
    try {
      const args = parseArguments(mutation.name, mutator.schema, mutation.args);
      const body = mutator.body as MutatorBody<unknown>; // it takes what its own schema gives
      const context = { now, serverNow, random, id, user, isServer, clientId, mutationId, afterCommit: () => undefined };
      this.#database.transaction(() => this.#judged(() => body(mutatorTx(this.#database), args, context), inRoom));
      return null;
    } catch (error) {
      return AlcoveError.from(error, 'mutator_failed').code;
    }
  }

  /** @throws AlcoveError `forbidden` where the room does not let it leave what it left. */
  #judged(run: () => void, inRoom: InRoom | null): void {
    if (inRoom === null) return run();
    const before = this.#notes();
    run();
    const after = this.#notes();
    const isRight = [...new Set([...before.keys(), ...after.keys()])].every((id) => {
      const [was, is] = [before.get(id) ?? null, after.get(id) ?? null];
      return JSON.stringify(was) === JSON.stringify(is) || inRoom.mayLeave(was, is);
    });
    if (!isRight) throw new AlcoveError('forbidden', 'a note was left as it may not be');
  }

  #notes(): Map<string, Note> {
    const rows = this.#database.prepare(`SELECT ${NOTE_COLUMNS.join(', ')} FROM notes`).all();
    return new Map(
      rows.map((row) => [String(row[0]), Object.fromEntries(NOTE_COLUMNS.map((name, at) => [name, row[at]])) as unknown as Note]),
    ); // a row of that table
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
