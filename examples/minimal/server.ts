import { AlcoveError, createServer } from '@alcove/server/node';
import { list } from './room.ts';

const server = await createServer({ rooms: [list], dataDir: './data', port: 8788 }).catch((error: unknown) => {
  const { message, hint } = AlcoveError.from(error);
  console.error(`${message}. ${hint}`);
  process.exit(1);
});
console.log(`rooms at ${server.url}`);
