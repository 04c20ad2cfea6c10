/** A server in a process of its own, for tests that kill it. Argument: its dataDir. Prints its address. */
import { createServer } from '@alcove/server/node';
import { trip } from './trip-room.ts';

const [dataDir = ''] = process.argv.slice(2);
const server = await createServer({ rooms: [trip], dataDir, port: 0, limits: { drainTimeoutMs: 5000, mutatorTimeBudgetMs: 60_000 } });
process.stdout.write(`${server.url}\n`);
