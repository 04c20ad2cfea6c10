/** Where a file stands, for the bans: shipped code that touches a platform, and the rest. */
export const isHostFile = (path: string): boolean => HOST_FILES.some((pattern) => pattern.test(path));

/** The files that hand the platform in: time, randomness, timers, logs and sockets begin here and nowhere else. */
const HOST_FILES = [
  /^packages\/server\/src\/host\//,
  /^packages\/client\/src\/node\//,
  /^packages\/client\/src\/worker\/(worker|browser-runtime|call-soon|console-logger)\.ts$/,
  /^packages\/client\/src\/(browser-runtime|page-runtime)\.ts$/,
  /^packages\/core\/src\/error\.ts$/,
];

const isCore = (path: string): boolean => path.startsWith('packages/core/');
const isServerInner = (path: string): boolean => path.startsWith('packages/server/') && !path.startsWith('packages/server/src/host/');

export interface GlobalBan {
  /** A global, or a member of one. */
  readonly name: string;
  readonly instead: string;
  /** Shipped files it is banned in; everywhere outside the host files unless said. */
  readonly where?: (path: string) => boolean;
}

/** Globals that shipped code does not use, and what it uses instead. */
export const BANNED_GLOBALS: readonly GlobalBan[] = [
  { name: 'Date.now', instead: 'runtime.nowMs()' },
  { name: 'performance.now', instead: 'the monotonic time of Runtime' },
  { name: 'Math.random', instead: 'runtime.random()' },
  { name: 'crypto.randomUUID', instead: 'runtime.newId()' },
  { name: 'crypto.getRandomValues', instead: 'runtime.newId() or runtime.random()' },
  { name: 'setTimeout', instead: 'runtime.setTimer()' },
  { name: 'setInterval', instead: 'runtime.setTimer(), set anew each time' },
  { name: 'setImmediate', instead: 'runtime.setTimer(), or a port of the host' },
  { name: 'console', instead: 'runtime.log' },
  { name: 'globalThis', instead: 'a parameter: what a host has, it hands in', where: (path) => isCore(path) || isServerInner(path) },
];

export interface ImportBan {
  readonly specifier: RegExp;
  readonly instead: string;
  /** Shipped files that may import it. */
  readonly allowed: (path: string) => boolean;
}

const inFolder =
  (...folders: string[]) =>
  (path: string): boolean =>
    folders.some((folder) => path.startsWith(`packages/${folder}/`));

/** Modules that only some folders may import, and what the others do. */
export const BANNED_IMPORTS: readonly ImportBan[] = [
  {
    specifier: /^node:/,
    instead: 'take it from Runtime or a port of the host',
    allowed: inFolder('server/src/host/node', 'server/src/host/postgres', 'client/src/node'),
  },
  { specifier: /^cloudflare:/, instead: 'take it from a port of the host', allowed: inFolder('server/src/host/cloudflare') },
  { specifier: /^(better-sqlite3|@photostructure\/sqlite)/, instead: 'use Database', allowed: inFolder('server/src/host/node') },
  { specifier: /^pg$/, instead: 'use Replica, or a port of the host', allowed: inFolder('server/src/host/postgres') },
  { specifier: /^ws$/, instead: 'use Socket', allowed: inFolder('server/src/host/node', 'client/src/node') },
  {
    specifier: /^sql\.js/,
    instead: 'use Database',
    allowed: inFolder('client/src/replica', 'client/src/worker', 'client/src/node'),
  },
  { specifier: /^comlink$/, instead: 'call the worker through worker-client.ts', allowed: inFolder('client/src/worker') },
  { specifier: /^idb$/, instead: 'use Storage', allowed: inFolder('client/src/storage') },
  { specifier: /^react(-dom)?(\/|$)/, instead: 'keep it free of React: hooks stand in packages/react', allowed: inFolder('react/src') },
  {
    specifier: /^drizzle-orm\/(better-sqlite3|sql-js|node-postgres)(\/driver)?$/,
    instead: 'use core/sqlite/drizzle.ts: these import a driver',
    allowed: () => false,
  },
];

/** Words that names do not use, and what they say instead. Matched as whole words of camelCase and kebab-case names. */
export const BANNED_WORDS: Readonly<Record<string, string>> = {
  manager: 'say what it does',
  helper: 'say what it does',
  helpers: 'say what they do',
  util: 'say what it does',
  utils: 'say what they do',
  common: 'say what it is; it lives with its owner',
  misc: 'say what it is',
  cookie: 'bookmark or version',
  clock: 'version, or nowMs for time',
  epoch: 'historyId or fencingToken, whichever is meant',
  term: 'historyId or fencingToken, whichever is meant',
  generation: 'historyId or fencingToken, whichever is meant',
  master: 'primary',
  slave: 'follower or replica',
};

/** Banned where a name consists of or ends in it: `data`, `rowData`, `roomStore`; `storeHead` is a verb and `dataDir` a known word. */
export const BANNED_ENDINGS: Readonly<Record<string, string>> = {
  data: 'say what it holds: rows, args, bytes, message',
  store: 'room, replica or storage',
  doc: 'room, row or document',
};

/** Banned as a whole name. */
export const BANNED_NAMES: Readonly<Record<string, string>> = {
  sync: 'push, pull, rebase or catch up',
  types: 'a type lives with its owner',
};
