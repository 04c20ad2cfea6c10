import { captureObjects } from '@alcove/core/change/capture-ddl';
import { installCapture } from '@alcove/core/change/install-capture';
import { roomDdl } from '@alcove/core/schema/ddl';
import initSqlJs from 'sql.js';
import { describe, expect, it } from 'vitest';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import { openImage } from './open-image.ts';
import { openSqljsDatabase, type SqljsDatabase } from './sqljs-database.ts';

const sqljs = await initSqlJs();
const { model } = tasksRoom;

const imageOf = (make: (database: SqljsDatabase) => void): Uint8Array => {
  const database = openSqljsDatabase(sqljs);
  for (const sql of roomDdl(model, { serverOnly: false })) database.exec(sql);
  make(database);
  const image = database.exportImage();
  database.close();
  return image;
};
const opened = (image: Uint8Array) => openImage(image, model, (bytes) => openSqljsDatabase(sqljs, bytes));
const captureIn = (image: Uint8Array) => {
  const database = opened(image);
  const names = database
    .prepare(`SELECT name FROM sqlite_schema WHERE name LIKE 'alcove\\_c%' ESCAPE '\\' AND sql IS NOT NULL ORDER BY name`)
    .all();
  const captured = database.prepare(`SELECT count(*) FROM alcove_capture_0`).get()?.[0];
  database.close();
  return { names: names.flat(), captured };
};
const wanted = captureObjects(model)
  .map(({ name }) => name)
  .sort();

describe('what an image is opened with', () => {
  it('[ST-75] capture is made where the image has none', () => {
    expect(captureIn(imageOf(() => undefined))).toEqual({ names: wanted, captured: 0 });
  });

  it('[ST-75] capture of this very build stays as it is', () => {
    const image = imageOf((database) => {
      installCapture(database, model);
      database.exec(`INSERT INTO alcove_capture_0 (had, c0) VALUES (0, 'kept')`);
    });
    expect(captureIn(image)).toEqual({ names: wanted, captured: 1 });
  });

  it('[ST-75] capture that lacks a trigger, or has another one, is made anew', () => {
    const damages = [
      `DROP TRIGGER alcove_capture_0_insert`,
      `DROP TRIGGER alcove_capture_0_insert; CREATE TRIGGER alcove_capture_0_insert AFTER INSERT ON ${model.tables[0]?.name ?? ''} BEGIN SELECT 1; END`,
    ];
    for (const damage of damages) {
      const image = imageOf((database) => {
        installCapture(database, model);
        database.exec(`INSERT INTO alcove_capture_0 (had, c0) VALUES (0, 'of another build')`);
        database.exec(damage);
      });
      expect(captureIn(image)).toEqual({ names: wanted, captured: 0 });
    }
  });

  it('[ST-75] other tables are refused', () => {
    const image = imageOf((database) => database.exec(`ALTER TABLE ${model.tables[0]?.name ?? ''} ADD COLUMN unknown TEXT`));
    expect(() => opened(image)).toThrow(expect.objectContaining({ code: 'snapshot_failed' }));
  });
});
