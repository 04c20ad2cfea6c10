// A real server with the bench's room, in a process of its own. Arguments: dataDir.
import { createServer } from '@alcove/server/node';
import { silentLogger } from '@alcove/core/runtime/logger';
import { board } from './bench-room.ts';
import { answerParent } from './child.ts';

const [dataDir = ''] = process.argv.slice(2);
const server = await createServer({ rooms: [board], dataDir, port: 0, log: silentLogger });
answerParent(server.url, () => server.close());
