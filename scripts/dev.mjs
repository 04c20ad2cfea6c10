// The demo from its sources in one Node process: the page reloads itself through Vite, the server starts anew when one of its files changes.
// Arguments such as --reset go through to the demo's server.
import { runServer } from './run-server.mjs';

const source = ['--conditions=@alcove/source', '--import', 'tsx'];
runServer(['--watch', '--watch-preserve-output', ...source, 'examples/trip-planner/server.ts', '--dev', ...process.argv.slice(2)]);
