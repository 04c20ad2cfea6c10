import { existsSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import type { CliCommand } from './cli-command.ts';
import { readArguments, readRoom, UsageError } from './cli-command.ts';
import { loadConfig } from './cli-config.ts';
import { createConsoleLogger } from './console-logger.ts';
import { createServer } from './create-server.ts';

export const importCommand: CliCommand = {
  summary: 'make a new room from a SQLite file',
  help: `alcove import FILE.sqlite --room NAME/ID --config CONFIG [options]

  FILE.sqlite      a SQLite file with the tables of the room's definition, or an exported room (it goes on from its version, under a new history)

  --room NAME/ID   the room to make; it must not exist, as in trip/japan-2027
  --config CONFIG  the module with the rooms, as for serve
  --data-dir DIR   where the rooms are (default: the config's dataDir, else ./data)

The server must not be running meanwhile.
`,
  async run(args, output) {
    const { values, given } = readArguments(
      args,
      { room: { type: 'string' }, config: { type: 'string' }, 'data-dir': { type: 'string' } },
      ['FILE.sqlite'],
    );
    if (values.room === undefined || values.config === undefined) throw new UsageError('--room and --config must be given');
    const { name, id } = readRoom(values.room);
    const [file = ''] = given;
    if (!existsSync(file))
      throw new AlcoveError('option_invalid', `there is no file ${file}`, {
        hint: 'Give one that `alcove backup` wrote, or another SQLite file.',
      });
    const { rooms, dataDir } = await loadConfig(values.config);
    const room = rooms.find((one) => one.name === name);
    if (room === undefined)
      throw new AlcoveError('room_unknown', `the config has no room of the name ${name}, only: ${rooms.map((one) => one.name).join(', ')}`);
    const server = await createServer({
      rooms: [room],
      dataDir: values['data-dir'] ?? dataDir ?? './data',
      seed: file,
      signals: false,
      log: createConsoleLogger('error'),
    });
    try {
      await server.rooms.create(name, id);
      const { version } = await server.rooms.open(name, id);
      output.out(`made ${name}/${id} at version ${version}\n`);
    } finally {
      await server.close();
    }
  },
};
