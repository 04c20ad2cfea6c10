import { AlcoveError } from '@alcove/core/error';
import type { CliCommand, CliOutput } from './cli-command.ts';
import { UsageError } from './cli-command.ts';
import { backupCommand, exportCommand } from './cli-export.ts';
import { followCommand } from './cli-follow.ts';
import { importCommand } from './cli-import.ts';
import { inspectCommand } from './cli-inspect.ts';
import { replicasCommand, resyncCommand } from './cli-replicas.ts';
import { serveCommand } from './cli-serve.ts';
import { sqlCommand } from './cli-sql.ts';
import { statusCommand } from './cli-status.ts';

const COMMANDS: Readonly<Record<string, CliCommand>> = {
  serve: serveCommand,
  follow: followCommand,
  import: importCommand,
  export: exportCommand,
  backup: backupCommand,
  inspect: inspectCommand,
  status: statusCommand,
  replicas: replicasCommand,
  sql: sqlCommand,
  resync: resyncCommand,
};

const USAGE = `alcove <command> [options]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  .join('\n')}

alcove <command> --help tells more. Exit codes: 0 it worked, 1 it did not, 2 it was called wrongly.
`;

/** Runs one command; gives the exit code. What goes wrong is written to `output.err` with its code and what to do. */
export const runCli = async (args: readonly string[], output: CliOutput): Promise<number> => {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? output.err : output.out)(USAGE);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    output.err(`alcove: there is no command ${JSON.stringify(name)}\n\n${USAGE}`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    output.out(command.help);
    return 0;
  }
  return run(command, rest, output);
};

const run = async (command: CliCommand, args: readonly string[], output: CliOutput): Promise<number> => {
  try {
    await command.run(args, output);
    return 0;
  } catch (cause) {
    if (cause instanceof UsageError) {
      output.err(`alcove: ${cause.message}\n\n${command.help}`);
      return 2;
    }
    const { code, message, hint } = AlcoveError.from(cause);
    output.err(`alcove: ${message} (${code})\n  ${hint}\n`);
    return 1;
  }
};
