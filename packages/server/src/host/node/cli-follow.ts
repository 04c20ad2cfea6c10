import { type CliCommand, readArguments, UsageError } from './cli-command.ts';
import { loadConfig } from './cli-config.ts';
import { createFollower } from './create-follower.ts';
import { createConsoleLogger } from './console-logger.ts';
import { drainOnSignal } from './stop-signals.ts';

const DEFAULT_PORT = 8788;

export const followCommand: CliCommand = {
  summary: 'keep copies of a server’s rooms, to read from and to serve tabs',
  help: `alcove follow CONFIG --from URL [options]

  CONFIG          a module with the rooms, as for serve

  --from URL      the sockets of the server to follow, as in ws://primary:8787/sync
  --rooms LIST    what to follow, with commas: trip/japan-2027,board/* (default: everything)
  --data-dir DIR  where the copies are (default: ./follower)
  --port PORT     where tabs connect and reads are answered (default: ${DEFAULT_PORT}); 0 takes a free one
  --host HOST     (default: all addresses)
  --origins LIST  pages that may connect, with commas (default: those that CONFIG names, else those of its own host)

ALCOVE_FOLLOWER_TOKEN in the environment is the server's followers.token. Prints its address and runs until SIGTERM or Ctrl-C.
`,
  async run(args, output) {
    const { values, given } = readArguments(
      args,
      {
        from: { type: 'string' },
        rooms: { type: 'string' },
        'data-dir': { type: 'string' },
        port: { type: 'string' },
        host: { type: 'string' },
        origins: { type: 'string' },
      },
      ['CONFIG'],
    );
    if (values.from === undefined) throw new UsageError('--from must be given');
    if (values.port !== undefined && !/^\d{1,5}$/.test(values.port))
      throw new UsageError(`--port takes a number, and got ${JSON.stringify(values.port)}`);
    const { rooms, origins: known } = await loadConfig(given[0] ?? '');
    const origins = values.origins?.split(',') ?? known;
    const log = createConsoleLogger();
    const follower = await createFollower({
      rooms,
      from: values.from,
      dataDir: values['data-dir'] ?? './follower',
      port: values.port === undefined ? DEFAULT_PORT : Number(values.port),
      ...(values.rooms === undefined ? {} : { follow: values.rooms.split(',') }),
      ...(values.host === undefined ? {} : { host: values.host }),
      ...(origins === undefined ? {} : { origins }),
      log,
    });
    drainOnSignal(async (signal) => {
      log.info('stopping', { signal });
      await follower.close();
    }, log);
    output.out(`${follower.url}\n`);
  },
};
