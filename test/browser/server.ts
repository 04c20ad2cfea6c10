// The server that the browser tests talk to, in a process of its own. Argument: dataDir.
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import { notebook } from './worker-room.ts';

const [dataDir = ''] = process.argv.slice(2);
const server = await createServer({ rooms: [notebook], dataDir, port: 0, origins: ['*'], log: silentLogger });
process.send?.(server.url);
// The parent is gone, or wants it to end.
process.once('disconnect', () => void server.close().then(() => process.exit(0)));
