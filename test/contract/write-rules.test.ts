import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Database } from '@alcove/core/sqlite/database';
import { roomDdl } from '@alcove/core/schema/ddl';
import { AlcoveError } from '@alcove/core/error';
import { fc } from '../fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { RowRules } from '../../packages/server/src/access/row-rules.ts';
import { DrivenRoom, resultsIn } from '../fake/driven-room.ts';
import { CLAIMS } from './arbitrary-rule.ts';
import type { Draw } from './arbitrary-schema.ts';
import { drawStatement, type StatementKind } from './arbitrary-statement.ts';
import { type Engine, engines } from './engines.ts';
import { type DrawnRoom, drawFilteredRoom } from './filtered-room.ts';
import { FilteredReader } from './filtered-reader.ts';
import { contentsOf } from './row-rules-oracle.ts';
import { type JudgedRun, WriteJudge } from './write-judge.ts';
import { drawnFrom } from './drawn-from.ts';

/** More of them before a release: `ALCOVE_PROPERTY_RUNS=2000`. */
const RUNS = Number(process.env['ALCOVE_PROPERTY_RUNS'] ?? 40);
const TIME_LIMIT_MS = Math.max(120_000, RUNS * 1_000);
const USERS = ['u0', 'u1', 'u2'];
const STEPS_MAX = 24;
/** Of the server, which is not asked: rows for users to change. */
const CALLS_BEFORE = 6;

interface Writer {
  readonly name: string;
  pushed: number;
  claims: Claims;
}

/** A room with random write rules, beside a judge of the same mutations. */
class Run {
  readonly #draw: Draw;
  readonly #drawn: DrawnRoom;
  readonly #database: Database;
  readonly #rules: RowRules;
  readonly #driven: DrivenRoom;
  readonly #judge: WriteJudge;
  readonly #spectator: FilteredReader;
  readonly #writers: Writer[];
  readonly script: string[] = [];
  readonly counts = { applied: 0, forbidden: 0, failed: 0 };

  static async open(draw: Draw, engine: Engine): Promise<Run> {
    const drawn = drawFilteredRoom(draw, { reads: false, writes: true });
    const [database, scratch] = [await engine.open(), await engine.open()];
    const judge = await WriteJudge.open(engine, drawn.definition);
    return new Run(
      draw,
      drawn,
      database,
      new RowRules(drawn.definition, scratch),
      judge,
      await FilteredReader.open(engine, drawn.definition.model),
    );
  }

  private constructor(draw: Draw, drawn: DrawnRoom, database: Database, rules: RowRules, judge: WriteJudge, spectator: FilteredReader) {
    this.#draw = draw;
    this.#drawn = drawn;
    this.#database = database;
    this.#rules = rules;
    this.#judge = judge;
    this.#spectator = spectator;
    this.#driven = new DrivenRoom({ room: drawn.definition, database, rules, options: { limits: UNHURRIED } });
    this.script.push(...roomDdl(drawn.definition.model, { serverOnly: false }));
    this.#writers = USERS.map((name) => ({ name, pushed: 0, claims: this.#claimsFor(name) }));
  }

  async go(): Promise<void> {
    spectate(this.#spectator, this.#driven.join('spectator', { snapshots: ['rows'] }));
    this.#driven.advance(1_000);
    for (const { name, claims } of this.#writers) this.#driven.join(name, {}, { claims });
    for (let calls = 0; calls < CALLS_BEFORE; calls += 1) await this.#serverCall({}, ['insert', 'upsert']);
    for (let steps = this.#draw(fc.integer, { min: 4, max: STEPS_MAX }); steps > 0; steps -= 1) {
      const writer = drawnFrom(this.#draw, this.#writers);
      const kind = this.#draw(fc.nat, { max: 9 });
      if (kind === 0) this.#renew(writer);
      else if (kind === 1) await this.#serverCall(writer.claims);
      else this.#push(writer);
      this.#compare();
    }
  }

  close(): void {
    this.#judge.close();
    this.#spectator.close();
    this.#rules.close();
    this.#database.close();
  }

  #claimsFor(name: string): Claims {
    return { sub: name, ...this.#draw(fc.constantFrom<Claims[]>, ...CLAIMS) };
  }

  #renew(writer: Writer): void {
    writer.claims = this.#claimsFor(writer.name);
    this.script.push(`-- ${writer.name} has claims ${JSON.stringify(writer.claims)}`);
    this.#driven.room.renewAccess(writer.name, { claims: writer.claims });
  }

  #drawRun(kinds?: readonly StatementKind[]): JudgedRun & { readonly run: number[] } {
    const { definition, statements } = this.#drawn;
    const tables = definition.model.tables.filter(({ name }) => name !== 'alcove_values');
    const drawn = Array.from({ length: this.#draw(fc.integer, { min: 1, max: 3 }) }, () =>
      drawStatement(this.#draw, { ...definition.model, tables }, kinds),
    );
    const strict = this.#draw(fc.boolean);
    for (const { sql, params } of drawn) this.script.push(`${sql} -- ${JSON.stringify(params)}`);
    return { statements: drawn, strict, run: drawn.map((statement) => statements.push(statement) - 1) };
  }

  /** Mutations of one user that are committed together; its claims may change after they were taken in, and count as they are then. */
  #push(writer: Writer): void {
    const runs = Array.from({ length: this.#draw(fc.integer, { min: 1, max: 3 }) }, () =>
      this.#drawRun(this.#draw(fc.boolean) ? ['update', 'upsert'] : undefined),
    );
    for (const { strict, run } of runs) {
      writer.pushed += 1;
      this.#driven.queue(writer.name, writer.pushed, 'run', { strict, run });
    }
    if (this.#draw(fc.nat, { max: 4 }) === 0) this.#renew(writer);
    this.#driven.flush();
    const expected = runs.map((run) => this.#judge.decide(run, writer.claims));
    const results = resultsIn(this.#driven.take(writer.name)).map((result) => ('code' in result ? (result.code ?? null) : null));
    this.script.push(`-- by ${writer.name}: ${results.map((code) => code ?? 'applied').join(', ')}`);
    expect(results).toEqual(expected);
    for (const code of results) this.#count(code);
  }

  /** Calls of the server are not asked, whosever claims they carry. */
  async #serverCall(claims: Claims, kinds?: readonly StatementKind[]): Promise<void> {
    const { strict, run, statements } = this.#drawRun(kinds);
    const call = this.#driven.room.mutate({ name: 'run', args: { strict, run }, user: claims }).then(
      () => null,
      (error: unknown) => AlcoveError.from(error).code,
    );
    this.#driven.flush();
    this.script.push(`-- by the server`);
    expect(await call).toBe(this.#judge.decide({ strict, statements }, null));
  }

  /** What was refused left nothing: not in the room, and not in what readers are sent. */
  #compare(): void {
    const must = this.#judge.contents();
    expect(contentsOf(this.#database, this.#drawn.definition.model)).toEqual(must);
    spectate(this.#spectator, this.#driven.take('spectator'));
    expect(this.#spectator.contents()).toEqual(must);
  }

  #count(code: string | null): void {
    if (code === null) this.counts.applied += 1;
    else if (code === 'forbidden') this.counts.forbidden += 1;
    else this.counts.failed += 1;
  }
}

function spectate(spectator: FilteredReader, messages: Parameters<FilteredReader['take']>[0]): void {
  spectator.take(messages);
  expect(spectator.errors).toEqual([]);
}

/** Claims change more often than people's do; who waits for a snapshot hears of its mutations later. */
const UNHURRIED = { sessionSnapshotsBurst: 1_000, userSnapshotsBurst: 1_000 };

describe('what users may leave behind in random rooms with random rules', () => {
  it.each(engines)(
    '[AC-24] is what SQLite says of each row before and after, asked one by one: $name',
    async (engine) => {
      const counts = { applied: 0, forbidden: 0, failed: 0 };
      await fc.assert(
        fc.asyncProperty(fc.gen(), async (draw) => {
          const run = await Run.open(draw, engine);
          try {
            await run.go();
          } catch (error) {
            throw new Error(`${error instanceof Error ? error.message : String(error)}\n${run.script.join('\n')}`, { cause: error });
          } finally {
            run.close();
          }
          for (const kind of ['applied', 'forbidden', 'failed'] as const) counts[kind] += run.counts[kind];
        }),
        { numRuns: RUNS, endOnFailure: true, interruptAfterTimeLimit: TIME_LIMIT_MS / 2, markInterruptAsFailure: true },
      );
      // Rules that let everything or nothing through would show nothing.
      expect(Math.min(counts.applied, counts.forbidden, counts.failed)).toBeGreaterThan(RUNS / 4);
    },
    TIME_LIMIT_MS,
  );
});
