import type { CliCommand } from './cli-command.ts';
import { readArguments, UsageError } from './cli-command.ts';
import { loadConfig } from './cli-config.ts';
import { createServer } from './create-server.ts';

const DEFAULT_PORT = 8787;

export const serveCommand: CliCommand = {
  summary: 'run a server with the rooms of a config module',
  help: `alcove serve CONFIG [options]

  CONFIG             a module whose default export is options of createServer, at least { rooms }

  --data-dir DIR     where the rooms are (default: the config's dataDir, else ./data)
  --port PORT        (default: the config's port, else ${DEFAULT_PORT}); 0 takes a free one
  --host HOST        (default: the config's host; without authenticate this machine only)
  --accept-lost-tail open rooms whose file is older than its recorded head, as a new history

Prints its address and runs until SIGTERM or Ctrl-C, then drains.
`,
  async run(args, output) {
    const { values, given } = readArguments(
      args,
      { 'data-dir': { type: 'string' }, port: { type: 'string' }, host: { type: 'string' }, 'accept-lost-tail': { type: 'boolean' } },
      ['CONFIG'],
    );
    const config = await loadConfig(given[0] ?? '');
    const host = values.host ?? config.host;
    const server = await createServer({
      ...config,
      dataDir: values['data-dir'] ?? config.dataDir ?? './data',
      port: values.port === undefined ? (config.port ?? DEFAULT_PORT) : portOf(values.port),
      ...(host === undefined ? {} : { host }),
      acceptLostTail: values['accept-lost-tail'] ?? config.acceptLostTail ?? false,
    });
    output.out(`${server.url}\n`);
  },
};

const portOf = (text: string): number => {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--port takes a number, and got ${JSON.stringify(text)}`);
  return Number(text);
};
