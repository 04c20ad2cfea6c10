import { createServer } from '@alcove/server/node';
import { list } from './room.ts';

const server = await createServer({ rooms: [list], dataDir: './data', port: 8787 });
console.log(`rooms at ${server.url}`);
