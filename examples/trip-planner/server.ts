/** The demo in one process on one port: its page, its rooms. `npm start` runs it built, `npm run dev` from its sources. */
import { existsSync, readdirSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AlcoveError, type AlcoveServer, createConsoleLogger, createServer, type Logger } from '@alcove/server/node';
import { beforeKeys, trip } from './room.ts';
import { builtPages, isStoppedPath, pagesFromSource, sendJson } from './src/server/pages.ts';
import { type DemoOptions, readOptions } from './src/server/read-options.ts';
import { reset } from './src/server/reset.ts';
import { seedFile } from './src/server/seed-file.ts';
import { answerAtDesk, isTripDesk } from './src/server/trip-desk.ts';
import { TripAccess } from './src/server/trip-access.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
/** The built server stands one folder below the example's own. */
const built = !existsSync(join(here, 'package.json'));
const home = built ? join(here, '..') : here;
/** What fills a new trip. */
const seedSources = built
  ? readdirSync(here).filter((file) => /^server.*\.js$/.test(file))
  : ['src/fold.ts', 'src/server/cities.ts', 'src/server/seed.ts'];
const log = createConsoleLogger();

try {
  await main(readOptions(process.argv.slice(2), home, process.env['PORT']));
} catch (error) {
  if (!(error instanceof AlcoveError)) throw error;
  console.error(error.code === 'port_in_use' ? `${error.message}. ${error.hint}` : `${error.message}\n${error.hint}`);
  process.exit(1);
}

async function main(options: DemoOptions): Promise<void> {
  const { dataDir } = options;
  // Whoever runs this as a child (scripts/dev.mjs) answers there while it is stopped.
  process.send?.({ at: { host: options.host, port: options.port } });
  if (options.reset) await reset(dataDir, log, (trips) => console.log(`deleting all trips in ${dataDir}: ${trips}`));
  const seed = await seedFile({
    folder: join(home, '.cache'),
    madeBy: seedSources.map((file) => join(here, file)),
    onMaking: () => console.log('making the seed of new trips from 138,398 cities, once'),
  });
  const starting = { checking: true };
  const access = TripAccess.of(dataDir);
  const { authenticate, authorize } = access;
  const server = await createServer({ rooms: [trip], dataDir, seed, authenticate, authorize, log: besides(starting) });
  try {
    const open = await checkTrips(server);
    starting.checking = false;
    const http = createHttpServer();
    server.attach(http, { path: '/sync' });
    const pages = options.dev ? await pagesFromSource(home, http) : builtPages(join(home, 'dist', 'client'));
    http.on('request', (request, response) => {
      const path = request.url?.split('?', 1)[0] ?? '/';
      if (isTripDesk(request.method, path)) answerAtDesk(request, response, access, open);
      else if (options.dev && isStoppedPath(path)) sendJson(response, { said: null });
      else pages(request, response);
    });
    await listen(http, options);
    const { url, port } = addressOf(http, options.host);
    process.send?.({ at: { host: options.host, port } });
    console.log(`Trip planner: ${url}`);
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** The log; a trip that cannot be opened while `checking` is on is told by what `checkTrips` throws, and only there. */
function besides(starting: { readonly checking: boolean }): Logger {
  return {
    ...log,
    error: (message, fields) => {
      if (!starting.checking || message !== 'a room could not be opened') log.error(message, fields);
    },
  };
}

/**
 * Opens every trip there is, so that a room definition that no longer fits is heard of now and not by whoever comes first. Resolves with the ids of those that were
 * made before trips had keys.
 *
 * @throws AlcoveError `schema_mismatch` with what differs and the two ways on; whatever else is wrong with a trip's file
 */
async function checkTrips(server: AlcoveServer<readonly [typeof trip]>): Promise<ReadonlySet<string>> {
  const open = new Set<string>();
  let after: string | undefined;
  do {
    const page = await server.rooms.list('trip', after === undefined ? {} : { after });
    for (const id of page) {
      await server.rooms.open('trip', id).catch((cause: unknown) => {
        const { code, message, hint } = AlcoveError.from(cause);
        // What differs comes with both ways on; here the second is one command.
        const reset = 'Nothing was changed. `npm run dev -- --reset` deletes all trips.';
        throw new AlcoveError(code, `trip ${id}: ${message}`, { hint: code === 'schema_mismatch' ? reset : hint, cause });
      });
      if ((await server.room(trip, id).query((db) => db.select().from(beforeKeys))).length > 0) open.add(id);
    }
    after = page.at(-1);
  } while (after !== undefined);
  return open;
}

function listen(http: Server, { port, host }: DemoOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE')
        reject(
          new AlcoveError('port_in_use', `port ${port} on ${host} is taken by another program`, {
            hint: `Stop that program, or choose another port: PORT=${port + 1} npm start`,
            cause,
          }),
        );
      else reject(new AlcoveError('option_invalid', `cannot listen on ${host}, port ${port}: ${cause.message}`, { cause }));
    });
    http.listen(port, host, resolve);
  });
}

function addressOf(http: Server, host: string): { url: string; port: number } {
  // It listens on a port.
  const { port } = http.address() as AddressInfo;
  const everywhere = host === '0.0.0.0' || host === '::';
  if (everywhere) console.log('everybody who can reach this machine may start trips; those of others open by their links alone');
  return { url: `http://${everywhere || host === '127.0.0.1' ? 'localhost' : host}:${port}/`, port };
}
