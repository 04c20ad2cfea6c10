/** The primary or a follower of the relay tests in a process of its own, for tests that kill it. Arguments: dataDir, port, and of a follower its primary's address. Prints its own. */
import { createFollower, createServer } from '@alcove/server/node';
import { token, trip } from './relay-world.ts';

const [dataDir = '', port = '0', from] = process.argv.slice(2);
const common = { rooms: [trip], dataDir, port: Number(port) } as const;
const { url } =
  from === undefined
    ? await createServer({ ...common, followers: { token } })
    : await createFollower({ ...common, from, token, readers: 1 });
process.stdout.write(`${url}\n`);
