import { applyChangeSet } from '@alcove/core/change/apply';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { installCapture, removeCapture } from '@alcove/core/change/install-capture';
import { applyWireChanges, toWire } from '@alcove/core/change/wire';
import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import { describe, expect, it } from 'vitest';
import { captureCases, captureModel as model, plain } from './capture-cases.ts';
import { asDifference, ChangeRoom, type Contents, differenceOf } from './change-room.ts';
import { engines } from './engines.ts';

const countOf = (changeSet: ChangeSet): number => changeSet.tables.reduce((count, { rows }) => count + rows.length, 0);

for (const engine of engines) {
  describe(`capture on ${engine.name}`, () => {
    it.each(captureCases)(
      '[CH-1][CH-2][CH-3] catches $name, to the byte, and gives it again elsewhere',
      async ({ given = [], run, changes }) => {
        const room = await ChangeRoom.open(engine, model);
        room.run(...given);
        room.capture.take();
        const before = room.contents();
        room.run(...run);
        const after = room.contents();
        const taken = room.capture.take();
        expect(asDifference(taken)).toEqual(differenceOf(before, after));
        expect(countOf(taken)).toBe(changes);
        expect(room.capture.take()).toEqual({ tables: [] });
        for (const other of engines) {
          await checkApply(await ChangeRoom.open(other, model), before, after, taken);
          await checkWire(await ChangeRoom.open(other, model), before, after, taken);
        }
        room.uncaptured(() => applyChangeSet(room.database, model, taken, 'backward'));
        expect(room.contents()).toEqual(before);
        room.database.close();
      },
    );

    it('[CH-4] takes back what it captured with the savepoint that is rolled back', async () => {
      const room = await ChangeRoom.open(engine, model);
      room.database.transaction(() => {
        room.run(`INSERT INTO plain (id) VALUES ('kept')`);
        expect(() =>
          room.database.transaction(() => {
            room.run(`INSERT INTO plain (id) VALUES ('undone')`, `DELETE FROM plain WHERE id = 'kept'`);
            throw new AlcoveError('mutator_failed', 'on purpose');
          }),
        ).toThrow('on purpose');
        expect(room.capture.rowCount()).toBe(1);
        expect(room.capture.take().tables[0]?.rows).toEqual([{ before: null, after: ['kept', null, null, null, null, null, null] }]);
      });
    });

    it('[CH-4] captures nothing before start and after stop, and keeps what was captured between', async () => {
      const room = await ChangeRoom.open(engine, model);
      room.capture.stop();
      room.run(`INSERT INTO plain (id) VALUES ('before')`);
      room.capture.start();
      room.run(`INSERT INTO plain (id) VALUES ('between')`);
      room.capture.stop();
      room.run(`INSERT INTO plain (id) VALUES ('after')`);
      expect(room.capture.take().tables[0]?.rows.map(({ after }) => after?.[0])).toEqual(['between']);
    });

    it('[CH-5] refuses the REAL value of a whole number where nothing keeps it a REAL', async () => {
      const room = await ChangeRoom.open(engine, model);
      const refusal = (statement: string): unknown => {
        try {
          return room.run(statement);
        } catch (error) {
          return error;
        }
      };
      for (const statement of [
        `INSERT INTO plain (id, bytes) VALUES ('a', 5.0)`,
        `INSERT OR REPLACE INTO plain (id, bytes) VALUES ('a', -0.0)`,
      ]) {
        expect(refusal(statement)).toMatchObject({ code: 'constraint_failed', message: expect.stringContaining('column bytes of plain') });
      }
      room.run(`INSERT INTO plain (id, bytes) VALUES ('a', 5), ('b', 5.5), ('c', 1e300), ('d', 9e999)`);
      expect(refusal(`UPDATE OR IGNORE plain SET bytes = 2.0`)).toMatchObject({ code: 'constraint_failed' });
      expect(room.contents().get('plain')?.size).toBe(4);
    });

    it('[CH-6] is installed once, again for another model, and can be taken away', async () => {
      const room = await ChangeRoom.open(engine, model);
      room.run(`INSERT INTO plain (id) VALUES ('a')`);
      installCapture(room.database, model);
      expect(room.capture.rowCount()).toBe(1);
      const names = (): unknown[] => room.database.prepare(`SELECT name FROM sqlite_schema WHERE name LIKE 'alcove_c%'`).all();
      const installed = names();
      const fewer = defineRoom({ name: 'fewer', schema: { plain } }).model;
      installCapture(room.database, fewer);
      expect(names().length).toBeLessThan(installed.length);
      installCapture(room.database, model);
      expect(names()).toHaveLength(installed.length);
      expect(room.capture.rowCount()).toBe(0);
      removeCapture(room.database);
      expect(names()).toEqual([]);
      room.run(`INSERT INTO plain (id) VALUES ('b')`);
    });
  });
}

async function checkApply(copy: ChangeRoom, before: Contents, after: Contents, taken: ChangeSet): Promise<void> {
  copy.fill(before);
  copy.uncaptured(() => applyChangeSet(copy.database, model, taken, 'forward'));
  expect(copy.contents()).toEqual(after);
  copy.uncaptured(() => applyChangeSet(copy.database, model, taken, 'backward'));
  expect(copy.contents()).toEqual(before);
  copy.database.close();
}

async function checkWire(copy: ChangeRoom, before: Contents, after: Contents, taken: ChangeSet): Promise<void> {
  copy.fill(before);
  copy.uncaptured(() => {
    const applied = applyWireChanges(copy.database, model, JSON.parse(JSON.stringify(toWire(taken))));
    expect(asDifference({ tables: applied })).toEqual(asDifference(taken));
  });
  expect(copy.contents()).toEqual(after);
  copy.database.close();
}
