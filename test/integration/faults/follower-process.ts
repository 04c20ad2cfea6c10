/** A follower in a process of its own, for tests that stop and kill it. Arguments: its dataDir, its primary, its port. Prints its address. */
import { silentLogger } from '@alcove/core/runtime/logger';
import { createFollower } from '@alcove/server/node';
import { FOLLOWER_TOKEN, ledgerRoom } from './fault-room.ts';

const [dataDir = '', from = '', port = '0'] = process.argv.slice(2);
const follower = await createFollower({
  rooms: [ledgerRoom],
  dataDir,
  from,
  token: FOLLOWER_TOKEN,
  port: Number(port),
  host: '127.0.0.1',
  follow: ['ledger/main'],
  readers: 1,
  log: silentLogger,
});
process.stdout.write(`${follower.url}\n`);
// Whoever started it is gone.
process.stdin.on('end', () => process.exit(0)).resume();
