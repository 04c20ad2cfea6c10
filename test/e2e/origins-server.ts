// An app with its rooms inside, and pages of two other origins, in a process of its own. Argument: dataDir.
import { createServer as createHttpServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from '@alcove/server/node';
import { CollectingLogger } from '../fake/collecting-logger.ts';
import { notebook } from './notebook/room.ts';

/** Where the pages are. `friend` is listed where `/listed` is asked, `stranger` nowhere. */
export interface Origins {
  readonly app: string;
  readonly friend: string;
  readonly stranger: string;
}

/** What has happened on the server since it was last asked. */
export interface Happened {
  /** Cookie headers that `authenticate` was shown, one for each time it was asked; null: none. */
  readonly cookies: readonly (string | null)[];
  /** Origins that the log says were turned away. */
  readonly turnedAway: readonly string[];
  /** Cookie headers with which sockets and images were asked for, as they came in. */
  readonly sent: readonly (string | null)[];
}

const [dataDir = ''] = process.argv.slice(2);
const log = new CollectingLogger();
const cookies: (string | null)[] = [];
const sent: (string | null)[] = [];

/** Answers with a blank page; `cookie` is given to whoever visits. */
async function pagesAt(cookie?: string): Promise<{ server: Server; origin: string }> {
  const server = createHttpServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html', ...(cookie === undefined ? {} : { 'set-cookie': cookie }) });
    response.end('<!doctype html><title>a page</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }; // it listens on a port
}

const app = await pagesAt('session=s1; HttpOnly; SameSite=Strict; Path=/');
const friend = await pagesAt();
const stranger = await pagesAt();
const common = {
  rooms: [notebook],
  log,
  signals: false,
  authenticate: (_: string | null, { headers }: { headers: { cookie?: string | undefined } }) => {
    cookies.push(headers.cookie ?? null);
    return headers.cookie === 'session=s1' ? { sub: 'ann' } : null;
  },
};
const own = await createServer({ ...common, dataDir: join(dataDir, 'own') });
own.attach(app.server, { path: '/own' });
const listed = await createServer({ ...common, dataDir: join(dataDir, 'listed'), origins: [friend.origin] });
listed.attach(app.server, { path: '/listed' });
// What comes in is looked at before anybody answers it, and left alone.
const emit = app.server.emit.bind(app.server);
app.server.emit = (name: string, ...given: unknown[]) => {
  const [request] = given as [{ headers: { cookie?: string }; url?: string }?]; // of the two names below
  // Browsers ask for an icon when they feel like it.
  const isPage = request?.url === '/' || request?.url === '/favicon.ico';
  if ((name === 'upgrade' || name === 'request') && !isPage) sent.push(request?.headers.cookie ?? null);
  return emit(name, ...given);
};

process.on('message', () => {
  const turnedAway = log.entries
    .splice(0)
    .flatMap(({ message, fields }) => (message.includes('turned away') ? [String(fields['origin'])] : []));
  process.send?.({ cookies: cookies.splice(0), sent: sent.splice(0), turnedAway } satisfies Happened);
});
process.once('disconnect', () => process.exit(0));
process.send?.({ app: app.origin, friend: friend.origin, stranger: stranger.origin } satisfies Origins);
