// Serves the built demo and its rooms on one port. Arguments go through to the demo's server.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root } from './run-command.mjs';
import { runServer } from './run-server.mjs';

const server = 'examples/trip-planner/dist/server.js';

if (!(await build())) process.exit(1);
if (!existsSync(join(root, server))) {
  console.error(`${server} does not exist: the build script of examples/trip-planner has to write it`);
  process.exit(1);
}
runServer([server, ...process.argv.slice(2)]);
