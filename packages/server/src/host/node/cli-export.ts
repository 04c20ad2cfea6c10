import { existsSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { CliCommand } from './cli-command.ts';
import { readArguments, roomFilesOf } from './cli-command.ts';
import { withSidecars } from './data-dir.ts';
import { openRawDatabase } from './raw-database.ts';
import type { RawDatabase } from './raw-database.ts';

const BUSY_TIMEOUT_MS = 10_000;

export const exportCommand: CliCommand = {
  summary: 'copy a room into one SQLite file',
  help: `alcove export NAME/ID OUT.sqlite [options]

  NAME/ID         the room, as in trip/japan-2027
  OUT.sqlite      the file to write; it must not exist

  --tables-only   only the app's tables, without log, clients and values
  --data-dir DIR  where the rooms are (default: ./data)

Holds the room at one version, also while a server is writing it. A copy with everything can be imported, or put back as a backup.
`,
  async run(args, output) {
    const { values, given } = readArguments(args, { 'tables-only': { type: 'boolean' }, 'data-dir': { type: 'string' } }, [
      'NAME/ID',
      'OUT.sqlite',
    ]);
    const [room = '', out = ''] = given;
    const { database: path } = roomFilesOf(values['data-dir'], room);
    if (!existsSync(path))
      throw new AlcoveError('room_unknown', `there is no room ${room}: ${path}`, {
        hint: 'Give the dataDir of the server with --data-dir.',
      });
    if (existsSync(out))
      throw new AlcoveError('option_invalid', `${out} exists already`, { hint: 'Choose another file, or remove it first.' });
    const folder = dirname(resolve(out));
    if (!existsSync(folder))
      throw new AlcoveError('option_invalid', `there is no folder ${folder} to write ${out} to`, {
        hint: 'Make it first, or choose another file.',
      });
    try {
      copy(path, out);
      if (values['tables-only'] === true) leaveTablesOnly(out);
    } catch (error) {
      for (const file of withSidecars(out)) rmSync(file, { force: true });
      throw AlcoveError.from(error, 'room_failed');
    }
    output.out(`wrote ${out}\n`);
  },
};

export const backupCommand: CliCommand = {
  summary: 'copy a room as it is into one file, to be put back or imported',
  help: `alcove backup NAME/ID OUT.sqlite [options]

  NAME/ID         the room, as in trip/japan-2027
  OUT.sqlite      the file to write; it must not exist

  --data-dir DIR  where the rooms are (default: ./data)

Holds the room at one version, also while a server is writing it. \`alcove import\` makes a room of it again, under a new history.
`,
  async run(args, output) {
    readArguments(args, { 'data-dir': { type: 'string' } }, ['NAME/ID', 'OUT.sqlite']);
    await exportCommand.run(args, output);
  },
};

const copy = (path: string, out: string): void =>
  withDatabase(path, (database) => database.exec(`VACUUM INTO '${out.replaceAll("'", "''")}'`));

const leaveTablesOnly = (path: string): void =>
  withDatabase(path, (database) => {
    database.exec('PRAGMA foreign_keys = OFF');
    for (const type of ['trigger', 'table']) {
      const sql = `SELECT name FROM sqlite_schema WHERE type = '${type}' AND name LIKE 'alcove\\_%' ESCAPE '\\'`;
      const rows = database.prepare(sql).all() as { name: string }[]; // as selected
      for (const { name } of rows) database.exec(`DROP ${type} ${quoteIdentifier(name)}`);
    }
    database.exec('VACUUM');
  });

const withDatabase = (path: string, fn: (database: RawDatabase) => void): void => {
  const database = openRawDatabase(path, BUSY_TIMEOUT_MS);
  try {
    fn(database);
  } finally {
    database.close();
  }
};
