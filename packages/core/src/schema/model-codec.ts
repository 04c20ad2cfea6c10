import * as v from 'valibot';
import { AlcoveError } from '../error.ts';
import type { RoomModel } from './room-model.ts';

const names = v.array(v.string());
const sql = v.nullable(v.string());

const roomModel: v.GenericSchema<RoomModel> = v.object({
  schemaId: v.string(),
  tables: v.array(
    v.object({
      name: v.string(),
      columns: v.array(
        v.object({
          name: v.string(),
          type: v.string(),
          notNull: v.boolean(),
          defaultSql: sql,
          generated: v.nullable(v.object({ sql: v.string(), stored: v.boolean() })),
        }),
      ),
      key: names,
      withoutRowid: v.boolean(),
      serverOnly: v.boolean(),
      uniques: v.array(v.object({ name: v.nullable(v.string()), columns: names })),
      checks: v.array(v.object({ name: v.string(), sql: v.string() })),
      foreignKeys: v.array(v.object({ columns: names, foreignTable: v.string(), foreignColumns: names, onDelete: sql, onUpdate: sql })),
      indexes: v.array(v.object({ name: v.string(), unique: v.boolean(), columns: names, where: sql })),
    }),
  ),
});

/** A model as a room stores it beside the rows it describes. */
export const encodeModel = (model: RoomModel): string => JSON.stringify(model);

/** @throws AlcoveError `file_damaged` for what encodeModel did not write. */
export function decodeModel(text: string): RoomModel {
  try {
    return v.parse(roomModel, JSON.parse(text));
  } catch (error) {
    throw new AlcoveError('file_damaged', `a stored schema cannot be read: ${AlcoveError.from(error).message}`, { cause: error });
  }
}
