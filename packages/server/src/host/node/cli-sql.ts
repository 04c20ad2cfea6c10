import { toRows } from '@alcove/core/change/wire';
import type { WireCell } from '@alcove/core/change/wire-rows';
import { cellToWire } from '@alcove/core/change/wire-cell';
import type { SqlValue } from '@alcove/core/sqlite/database';
import { AdminClient, SERVER_HELP, SERVER_OPTIONS } from './admin-client.ts';
import { type CliCommand, readArguments, readRoom, UsageError } from './cli-command.ts';
import type { SqlAnswer } from './sql-endpoint.ts';
import { textTable } from './text-table.ts';

export const sqlCommand: CliCommand = {
  summary: 'read a room of a running server',
  help: `alcove sql NAME/ID "SELECT …" [options]

  NAME/ID         the room, as in trip/japan-2027
  "SELECT …"      one statement that reads; ? stands for the parameters

  --params JSON   what they are, in order: '["Nara", 3]'
  --dialect NAME  sqlite (the default), or postgres: read from the server's mirror, parameters as $1, $2 …
  --at WHEN       latest (the default), any, or a bookmark that an answer gave
${SERVER_HELP}
  --json          the answer as JSON: columns, rows, bookmark, who answered

Read by the replicas that answer the server's own reads, within the bounds that users have; row rules do not apply. Also takes the follower token, on a follower too
(default then: ALCOVE_FOLLOWER_TOKEN); tables that stay in the room are seen with the admin token alone. Mutators write, this does not.
`,
  async run(args, output) {
    const options = {
      ...SERVER_OPTIONS,
      json: { type: 'boolean' },
      params: { type: 'string' },
      at: { type: 'string' },
      dialect: { type: 'string' },
    } as const;
    const { values, given } = readArguments(args, options, ['NAME/ID', '"SELECT …"']);
    const [room = '', sql = ''] = given;
    readRoom(room);
    const { dialect = 'sqlite' } = values;
    if (dialect !== 'sqlite' && dialect !== 'postgres')
      throw new UsageError(`--dialect is sqlite or postgres, and got ${JSON.stringify(dialect)}`);
    const client = new AdminClient(values, ['ALCOVE_ADMIN_TOKEN', 'ALCOVE_FOLLOWER_TOKEN']);
    const text = await client.post('/sql', { room, sql, params: paramsOf(values.params), at: values.at ?? 'latest', dialect });
    const { cells, ...answer } = JSON.parse(text) as SqlAnswer & { readonly cells: WireCell[][] }; // our own server's word
    const rows = toRows(cells);
    if (values.json === true) output.out(`${JSON.stringify({ ...answer, rows: rows.map((row) => row.map(cellToWire)) })}\n`);
    else output.out(`${textTable(answer.columns, rows)}${footOf(answer)}\n`);
  },
};

function footOf({ rows, truncated, replica, lagMs, lagVersions, tookMs }: SqlAnswer): string {
  const count = `${rows} ${rows === 1 ? 'row' : 'rows'}${truncated ? ', and more' : ''}`;
  const behind = lagMs === 0 ? '' : `, ${lagVersions} versions and ${lagMs} ms behind`;
  return `${count}, from ${replica} in ${Math.round(tookMs)} ms${behind}`;
}

/** @throws UsageError */
function paramsOf(text: string | undefined): WireCell[] {
  if (text === undefined) return [];
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new UsageError(`--params takes a JSON array, and got ${JSON.stringify(text)}`);
  }
  const isCell = (cell: unknown): cell is SqlValue => cell === null || typeof cell === 'string' || typeof cell === 'number';
  if (!Array.isArray(given) || !given.every(isCell)) throw new UsageError('--params takes a JSON array of texts, numbers and nulls');
  return given.map(cellToWire);
}
