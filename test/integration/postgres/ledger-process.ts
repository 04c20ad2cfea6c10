/** A server with a mirror in a process of its own, for tests that kill it: it writes without a pause, and prints what was acknowledged. Arguments: dataDir, url, prefix. */
import { createServer } from '@alcove/server/node';
import { ledger, put } from './ledger-room.ts';

const [dataDir = '', url = '', prefix = ''] = process.argv.slice(2);
const server = await createServer({ rooms: [ledger], dataDir, signals: false, mirror: { url, prefix, batchMs: 5 } });
for (let n = 1; ; n += 1) {
  for (const id of ['a', 'b'])
    await server.room(ledger, id).mutate.run([put(String(n), { n, label: `label ${n}` }), { do: 'remove', id: String(n - 20) }]);
  process.stdout.write(`${n}\n`);
}
