// The floor of fan-out: bare ws; each message is one better-sqlite3 commit, then goes to every socket. Arguments: path of a database file.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { WebSocketServer } from 'ws';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { answerParent } from './child.ts';

const [path = ''] = process.argv.slice(2);
mkdirSync(dirname(path), { recursive: true });
const database = openDatabase(path, { synchronous: 'FULL', create: true });
database.exec('CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT NOT NULL)');
const insert = database.prepare('INSERT INTO messages (body) VALUES (?)');

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (frame: Buffer) => {
    const body = frame.toString('utf8');
    insert.run([body]);
    for (const client of server.clients) client.send(body);
  });
});
server.on('listening', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  answerParent(`ws://127.0.0.1:${port}`, async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
    database.close();
  });
});
