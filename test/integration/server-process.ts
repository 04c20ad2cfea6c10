/** A server in a process of its own, for tests that kill it. Arguments: dataDir, port. Prints its address, then one line for each room it is told to open. */
import { createServer } from '@alcove/server/node';
import { trip } from './trip-room.ts';

const [dataDir = '', port = '0'] = process.argv.slice(2);
const server = await createServer({ rooms: [trip], dataDir, port: Number(port), limits: { drainTimeoutMs: 5000 } });
process.stdout.write(`${server.url}\n`);
