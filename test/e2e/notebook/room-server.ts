// The server of the notebooks, in a process of its own. Arguments: dataDir, port, which build it is of, and acceptLostTail.
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import { newerNotebook, notebook, notes } from './room.ts';

const [dataDir = '', port = '0', build = 'older', acceptLostTail = 'false'] = process.argv.slice(2);
const definition = build === 'newer' ? newerNotebook : notebook;
const server = await createServer({
  rooms: [definition],
  dataDir,
  port: Number(port),
  origins: ['*'],
  log: silentLogger,
  acceptLostTail: acceptLostTail === 'true',
});
process.on('message', (roomId: string) => {
  // Its parent asks for the notes of a room and for nothing else.
  void server
    .room('notebook', roomId)
    .query((db) => db.select({ id: notes.id, body: notes.body, runs: notes.runs }).from(notes).orderBy(notes.id))
    .then((rows) => process.send?.({ rows }));
});
process.once('disconnect', () => void server.close().then(() => process.exit(0)));
process.send?.({ url: server.url });
