import { runCli } from './run-cli.ts';

// The process lives on where the command left something running: `serve` ends by signal.
process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
