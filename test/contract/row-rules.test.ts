import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@alcove/core/runtime/logger';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Database } from '@alcove/core/sqlite/database';
import { roomDdl } from '@alcove/core/schema/ddl';
import { fc } from '../fake/properties.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RowRules } from '../../packages/server/src/access/row-rules.ts';
import { BuilderPool } from '../../packages/server/src/host/node/builder-pool.ts';
import { createNodeRuntime } from '../../packages/server/src/host/node/node-runtime.ts';
import { openBetterSqlite3 } from '../../packages/server/src/host/node/better-sqlite3-database.ts';
import { openPhotostructure } from '../../packages/server/src/host/node/photostructure-database.ts';
import { imagePlan } from '../../packages/server/src/snapshot/image-plan.ts';
import { DrivenRoom } from '../fake/driven-room.ts';
import { CLAIMS } from './arbitrary-rule.ts';
import { type Draw } from './arbitrary-schema.ts';
import { drawStatement } from './arbitrary-statement.ts';
import { type Engine, engines } from './engines.ts';
import { type DrawnRoom, drawFilteredRoom } from './filtered-room.ts';
import { FilteredReader } from './filtered-reader.ts';
import { type Contents, seenBy } from './row-rules-oracle.ts';
import { drawnFrom } from './drawn-from.ts';

/** More of them before a release: `ALCOVE_PROPERTY_RUNS=2000`. */
const RUNS = Number(process.env['ALCOVE_PROPERTY_RUNS'] ?? 40);
const TIME_LIMIT_MS = Math.max(120_000, RUNS * 1_000);
const READERS = 3;
const STEPS_MAX = 24;
/** Small, so that snapshots go on while the room commits, begin again, and readers fall out of the log. */
const LIMITS = {
  // Claims change more often here than people's do.
  sessionSnapshotsBurst: 1_000,
  userSnapshotsBurst: 1_000,
  snapshotChunkRowsMax: 3,
  snapshotOverlayRowsMax: 12,
  catchUpVersionsMax: 4,
  changeLogVersionsMax: 12,
  housekeepingIntervalMs: 200,
};

/** In a process of its own, as a host has it: two SQLite libraries in one process take no notice of each other's locks, and lose the room's WAL. */
let builder: BuilderPool;

const openFile: Partial<Record<Engine['name'], (path: string) => Database>> = {
  'better-sqlite3': openBetterSqlite3,
  photostructure: openPhotostructure,
};

/** A session, what it holds, and what it must hold at each version since its claims are what they are. */
interface Reader {
  readonly name: string;
  readonly replica: FilteredReader;
  readonly expected: Map<number, Contents>;
  connection: string;
  joined: number;
  pushed: number;
  claims: Claims;
  /** Its socket is full, or was until lately. */
  isSlow: boolean;
}

class Run {
  readonly #draw: Draw;
  readonly #drawn: DrawnRoom;
  readonly #database: Database;
  readonly #driven: DrivenRoom;
  readonly #rules: RowRules;
  readonly #readers: Reader[] = [];
  readonly #directory: string | null;
  readonly #engine: Engine;
  readonly script: string[] = [];
  #images = 0;

  static async open(draw: Draw, engine: Engine, withImages: boolean): Promise<Run> {
    const directory = withImages ? mkdtempSync(join(tmpdir(), 'alcove-rules-')) : null;
    const database = directory === null ? await engine.open() : openFile[engine.name]?.(join(directory, 'room.sqlite'));
    if (database === undefined) throw new RangeError(`${engine.name} has no files`);
    return new Run(draw, engine, database, await engine.open(), directory);
  }

  private constructor(draw: Draw, engine: Engine, database: Database, scratch: Database, directory: string | null) {
    this.#draw = draw;
    this.#engine = engine;
    this.#drawn = drawFilteredRoom(draw, { reads: true, writes: false });
    const { definition } = this.#drawn;
    this.script.push(...roomDdl(definition.model, { serverOnly: false }));
    this.#database = database;
    this.#rules = new RowRules(definition, scratch);
    this.#driven = new DrivenRoom({ room: definition, database, rules: this.#rules, options: { limits: LIMITS } });
    this.#directory = directory;
    if (directory !== null) this.#driven.ports.image = { path: '/i', ticket: 't', expiresInMs: 60_000 };
  }

  async go(): Promise<void> {
    for (let at = 0; at < READERS; at += 1) {
      const name = `r${at}`;
      const claims = { sub: name, ...this.#draw(fc.constantFrom<Claims[]>, ...CLAIMS) };
      const replica = await FilteredReader.open(this.#engine, this.#drawn.definition.model);
      const reader: Reader = { name, replica, expected: new Map(), connection: '', joined: 0, pushed: 0, claims, isSlow: false };
      this.#readers.push(reader);
      await this.#join(reader);
    }
    for (let step = 0; step < 6; step += 1) this.#commit();
    for (let steps = this.#draw(fc.integer, { min: 4, max: STEPS_MAX }); steps > 0; steps -= 1) {
      await this.#step();
      await this.#look();
    }
    await this.#rest();
  }

  close(): void {
    for (const { replica } of this.#readers) replica.close();
    this.#rules.close();
    this.#database.close();
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true });
  }

  async #step(): Promise<void> {
    const kind = this.#draw(fc.nat, { max: 19 });
    const reader = drawnFrom(this.#draw, this.#readers);
    if (kind < 9) return this.#commit();
    if (kind < 11) return this.#renew(reader);
    if (kind < 12) return this.#join(reader);
    if (kind < 14) return this.#fill(reader, !reader.isSlow);
    if (kind < 16) {
      this.script.push('-- a tick');
      this.#driven.room.tick();
      return;
    }
    if (kind < 17) {
      this.script.push(`-- ${reader.name} pings`);
      return this.#driven.room.receive(reader.connection, '{"type":"ping"}');
    }
    const ms = this.#draw(fc.constantFrom, 1, 60, 300);
    this.script.push(`-- ${ms} ms`);
    this.#driven.advance(ms);
  }

  /** Mutations of one reader or another, committed together. */
  #commit(): void {
    const { definition, statements } = this.#drawn;
    for (let mutations = this.#draw(fc.integer, { min: 1, max: 3 }); mutations > 0; mutations -= 1) {
      const reader = drawnFrom(this.#draw, this.#readers);
      const run = Array.from({ length: this.#draw(fc.integer, { min: 1, max: 3 }) }, () => {
        const app = { ...definition.model, tables: definition.model.tables.filter(({ name }) => name !== 'alcove_values') };
        const statement = drawStatement(this.#draw, app);
        this.script.push(`${statement.sql} -- ${reader.name}: ${JSON.stringify(statement.params)}`);
        return statements.push(statement) - 1;
      });
      reader.pushed += 1;
      this.#driven.queue(reader.connection, reader.pushed, 'run', { strict: this.#draw(fc.boolean), run }, `c-${reader.connection}`);
    }
    this.#driven.flush();
    this.script.push(`-- version ${this.#driven.room.stats.version}`);
    for (const reader of this.#readers) this.#expect(reader);
  }

  #expect(reader: Reader): void {
    reader.expected.set(this.#driven.room.stats.version, seenBy(this.#database, this.#drawn.definition, reader.claims));
  }

  #renew(reader: Reader): void {
    reader.claims = { sub: reader.name, ...this.#draw(fc.constantFrom<Claims[]>, ...CLAIMS) };
    this.script.push(`-- ${reader.name} has claims ${JSON.stringify(reader.claims)}`);
    this.#take(reader);
    this.#driven.room.renewAccess(reader.connection, { claims: reader.claims });
    const messages = this.#driven.take(reader.connection);
    if (messages.some(({ type }) => type === 'rehydrate')) reader.expected.clear();
    this.#expect(reader);
    reader.replica.take(messages);
  }

  /** Comes back where it was, or for the first time. */
  async #join(reader: Reader): Promise<void> {
    if (reader.joined > 0) {
      this.#take(reader);
      this.#driven.room.leave(reader.connection);
    }
    reader.joined += 1;
    reader.pushed = 0;
    reader.isSlow = false;
    reader.connection = `${reader.name}-${reader.joined}`;
    const snapshots: ('rows' | 'image')[] = this.#directory !== null && this.#draw(fc.boolean) ? ['image', 'rows'] : ['rows'];
    if (this.#draw(fc.boolean)) reader.claims = { sub: reader.name, ...this.#draw(fc.constantFrom<Claims[]>, ...CLAIMS) };
    const { resume } = reader.replica;
    this.script.push(`-- ${reader.name} joins as ${JSON.stringify(reader.claims)} from ${JSON.stringify(resume)}`);
    const messages = this.#driven.join(reader.connection, { resume, snapshots }, { claims: reader.claims });
    if (!messages.some((message) => message.type === 'welcome' && message.hydration === 'resume')) reader.expected.clear();
    this.#expect(reader);
    reader.replica.take(messages);
  }

  #fill(reader: Reader, isFull: boolean): void {
    this.script.push(`-- the socket of ${reader.name} is ${isFull ? 'full' : 'empty'}`);
    this.#driven.ports.buffered.set(reader.connection, isFull ? 2_000_000 : 0);
    if (isFull) reader.isSlow = true;
    else {
      this.#driven.advance(400);
      reader.isSlow = false;
    }
  }

  #take(reader: Reader): void {
    reader.replica.take(this.#driven.take(reader.connection));
  }

  /** Everybody reads what came, and must hold what they may see. */
  async #look(): Promise<void> {
    for (const reader of this.#readers) {
      this.#take(reader);
      if (reader.replica.wantsImage && !reader.isSlow && this.#draw(fc.boolean)) await this.#loadImage(reader);
      this.#check(reader);
    }
  }

  #check({ name, replica, expected, isSlow }: Reader): void {
    expect(replica.errors).toEqual([]);
    if (replica.isLoading) return;
    const contents = replica.contents();
    const atVersion = expected.get(replica.version);
    if (atVersion !== undefined) expect(contents, `${name} at version ${replica.version}`).toEqual(atVersion);
    // What is held back from one who is up to date holds nothing for it.
    const now = expected.get(this.#driven.room.stats.version);
    if (!isSlow && now !== undefined && this.#driven.room.stats.behind === 0) expect(contents, `${name} at the head`).toEqual(now);
  }

  async #loadImage(reader: Reader): Promise<void> {
    const directory = this.#directory ?? '';
    const { definition } = this.#drawn;
    const request = this.#driven.ports.imageRequests.findLast(({ view }) => view === reader.replica.view);
    if (request === undefined) throw new RangeError('an image that was never asked for');
    this.#images += 1;
    const path = join(directory, `image-${this.#images}`);
    const plan = structuredClone(imagePlan(definition.model, request.readerClass));
    const { historyId, schema } = request;
    const job = {
      kind: 'image',
      roomPath: join(directory, 'room.sqlite'),
      imagePath: path,
      packedPath: `${path}.gz`,
      historyId,
      schema,
      plan,
    } as const;
    const { version, hash } = await builder.run(job);
    writeFileSync(path, gunzipSync(readFileSync(`${path}.gz`)));
    const open = openFile[this.#engine.name];
    if (open === undefined) throw new RangeError('an engine without files');
    reader.replica.loaded(open(path), version, hash);
    this.script.push(`-- ${reader.name} has its image of version ${version}`);
    this.#driven.room.receive(reader.connection, JSON.stringify({ type: 'follow', historyId, version, hash }));
    this.#take(reader);
  }

  /** In the end everybody catches up. */
  async #rest(): Promise<void> {
    for (const reader of this.#readers) {
      this.#fill(reader, false);
      this.#take(reader);
      if (reader.replica.wantsImage) await this.#loadImage(reader);
    }
    this.#driven.advance(1_000);
    for (const reader of this.#readers) {
      this.#driven.room.receive(reader.connection, '{"type":"ping"}');
      this.#take(reader);
      this.#check(reader);
      expect(reader.replica.isLoading).toBe(false);
      expect(reader.replica.version).toBe(this.#driven.room.stats.version);
    }
  }
}

async function property(engine: Engine, withImages: boolean, runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (draw) => {
      const run = await Run.open(draw, engine, withImages);
      try {
        await run.go();
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : String(error)}\n${run.script.join('\n')}`, { cause: error });
      } finally {
        run.close();
      }
    }),
    {
      numRuns: runs,
      endOnFailure: process.env['ALCOVE_PROPERTY_SHRINK'] === undefined,
      interruptAfterTimeLimit: TIME_LIMIT_MS / 2,
      markInterruptAsFailure: true,
    },
  );
}

describe('what readers hold of random rooms with random rules', () => {
  beforeAll(() => {
    const runtime = createNodeRuntime({ log: silentLogger });
    builder = new BuilderPool({ runtime, buildsMax: 1, buildTimeoutMs: TIME_LIMIT_MS, idleMs: TIME_LIMIT_MS });
  });
  afterAll(() => builder.close());

  it.each(engines)(
    '[AC-20][AC-21][AC-22][AC-23] is what SQLite says of the room at that version: $name',
    (engine) => property(engine, false, RUNS),
    TIME_LIMIT_MS,
  );

  it.each(engines.filter(({ name }) => openFile[name] !== undefined))(
    '[AC-20][AC-21] through images, too: $name',
    (engine) => property(engine, true, Math.ceil(RUNS / 4)),
    TIME_LIMIT_MS,
  );
});
