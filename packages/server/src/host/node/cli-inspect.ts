import { existsSync, statSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { CliCommand } from './cli-command.ts';
import { readArguments, roomFilesOf } from './cli-command.ts';
import { withSidecars } from './data-dir.ts';
import { HeadFile } from './head-file.ts';
import type { Head } from './head-file.ts';
import { openDatabase } from './open-database.ts';

/** What inspect tells of a room. */
interface Report {
  readonly file: string;
  readonly bytes: number;
  readonly definition: string;
  readonly historyId: string;
  readonly version: number;
  readonly floor: number;
  readonly logBytes: number;
  readonly schema: string;
  readonly clients: number;
  readonly tables: Readonly<Record<string, number>>;
  /** `ok`, or what SQLite found. */
  readonly integrity: string;
  /** The head recorded beside the file, and whether the file holds it. */
  readonly recorded: Head | null;
  readonly headKept: boolean;
}

export const inspectCommand: CliCommand = {
  summary: 'tell what a room holds and whether it is whole',
  help: `alcove inspect NAME/ID [options]

  NAME/ID         the room, as in trip/japan-2027

  --json          one JSON object instead of lines
  --data-dir DIR  where the rooms are (default: ./data)

Only reads, also while a server is writing. Fails where the file is damaged, is no room, or is older than its recorded head.
`,
  async run(args, output) {
    const { values, given } = readArguments(args, { json: { type: 'boolean' }, 'data-dir': { type: 'string' } }, ['NAME/ID']);
    const [room = ''] = given;
    const files = roomFilesOf(values['data-dir'], room);
    if (!existsSync(files.database)) {
      throw new AlcoveError('room_unknown', `there is no room ${room}: ${files.database}`, {
        hint: 'Give the dataDir of the server with --data-dir.',
      });
    }
    const report = inspect(files.database, readHead(files.head));
    output.out(values.json === true ? `${JSON.stringify(report)}\n` : linesOf(report));
    if (report.integrity !== 'ok') throw new AlcoveError('file_damaged', `SQLite finds it damaged: ${report.integrity}`);
    if (!report.headKept)
      throw new AlcoveError('history_lost', `the file ends at version ${report.version}; recorded is version ${report.recorded?.version}`);
  },
};

const readHead = (path: string): Head | null => {
  const file = new HeadFile(path);
  try {
    return file.read();
  } finally {
    file.close();
  }
};

const inspect = (path: string, recorded: Head | null): Report => {
  const database = openDatabase(path, { readonly: true });
  try {
    return database.transaction(() => reportOf(database, path, recorded));
  } finally {
    database.close();
  }
};

const reportOf = (database: Database, path: string, recorded: Head | null): Report => {
  const tables = names(database);
  if (!tables.includes('alcove_meta') || !tables.includes('alcove_log'))
    throw new AlcoveError('file_foreign', `the file is no room: ${path}`);
  const meta = new Map(
    database
      .prepare('SELECT name, value FROM alcove_meta')
      .all()
      .map(([name, value]) => [String(name), value]),
  );
  const [version, logBytes] = database.prepare('SELECT max(version), sum(bytes) FROM alcove_log').get() ?? [];
  const head = Number(version ?? meta.get('floor'));
  const historyId = String(meta.get('historyId'));
  const own = tables.filter((name) => !name.startsWith('alcove_') || name === 'alcove_values');
  return {
    file: path,
    bytes: withSidecars(path).reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0),
    definition: String(meta.get('roomName')),
    historyId,
    version: head,
    floor: Number(meta.get('floor')),
    logBytes: Number(logBytes ?? 0),
    schema: String(database.prepare('SELECT schema FROM alcove_schemas ORDER BY position DESC LIMIT 1').get()?.[0]),
    clients: count(database, 'alcove_clients'),
    tables: Object.fromEntries(own.map((name) => [name, count(database, name)])),
    integrity: String(database.prepare('PRAGMA integrity_check(1)').get()?.[0]),
    recorded,
    // A server that is writing may have committed since the head was read, so the file may be ahead of it.
    headKept: recorded === null || (recorded.historyId === historyId && recorded.version <= head),
  };
};

const names = (database: Database): string[] =>
  database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")
    .all()
    .map(([name]) => String(name));

const count = (database: Database, table: string): number =>
  Number(database.prepare(`SELECT count(*) FROM ${quoteIdentifier(table)}`).get()?.[0]);

const linesOf = (report: Report): string => {
  const { tables, recorded, headKept, ...rest } = report;
  const facts = Object.entries(rest).map(([name, value]) => `${name.padEnd(12)} ${value}`);
  const head = `${'recorded'.padEnd(12)} ${recorded === null ? 'none' : `version ${recorded.version}`}${headKept ? '' : ', which the file does not hold'}`;
  const rows = Object.entries(tables).map(([name, number]) => `  ${name.padEnd(30)} ${number} ${number === 1 ? 'row' : 'rows'}`);
  return `${[...facts, head, 'tables', ...rows].join('\n')}\n`;
};
