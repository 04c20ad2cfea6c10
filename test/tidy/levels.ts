/**
 * The levels of the house: an import points to a lower one or stays in its folder; type imports count. Where one level holds several folders, a
 * fraction orders those that need each other; folders of equal level do not know each other.
 */
export const LEVELS: readonly (readonly [folder: string, level: number])[] = [
  ['packages/core/src/error.ts', 0],
  ['packages/core/src/json.ts', 0.1],
  ['packages/core/src/unknown-keys.ts', 0.1],
  ['packages/core/src/runtime', 0.2],
  ['packages/core/src/sqlite', 1],
  ['packages/core/src/retry', 1],
  ['packages/core/src/schema', 2],
  ['packages/core/src/change', 2.1], // change sets are over the tables that schema describes
  ['packages/core/src/mutation', 3],
  ['packages/core/src/protocol', 4],
  ['packages/core/src/index.ts', 4.5], // what applications may import of core
  ['packages/server/src/limits', 5],
  ['packages/server/src/change-log', 5],
  ['packages/server/src/access', 5],
  ['packages/server/src/change-stream', 6],
  ['packages/server/src/snapshot', 6.1], // frames are shared as the stream's are
  ['packages/server/src/ephemeral', 6.1],
  ['packages/server/src/read', 6],
  ['packages/server/src/mirror', 6],
  ['packages/server/src/follow', 7.5], // serves what it follows as rooms do
  ['packages/server/src/room', 7],
  ['packages/server/src/host/postgres', 7.9],
  ['packages/server/src/host/node', 8],
  ['packages/server/src/host/cloudflare', 8],
  ['packages/client/src/storage', 5],
  ['packages/client/src/connection', 5],
  ['packages/client/src/outbox', 6],
  ['packages/client/src/replica', 6],
  ['packages/client/src/presence', 6],
  ['packages/client/src/query', 7],
  ['packages/client/src/tabs', 7],
  ['packages/client/src/sync', 8],
  ['packages/client/src/worker', 9],
  ['packages/client/src/page', 9.5], // what a page holds of a room, over the worker
  ['packages/client/src/node', 11], // the same client, in Node: made of everything below it
  ['packages/client/src', 10],
  ['packages/react/src', 11],
];

/** A file's folder in the table and its level; null for a shipped file that the table does not know. The longest folder wins. */
export function levelOf(path: string): { readonly folder: string; readonly level: number } | null {
  const matches = LEVELS.filter(([folder]) => path === folder || path.startsWith(`${folder}/`));
  const best = matches.sort(([a], [b]) => b.length - a.length)[0];
  if (best === undefined) return null;
  const [folder, level] = best;
  // `packages/client/src` stands for the files in it: a folder that nobody placed must not fall under it.
  const isPackageRoot = folder === 'packages/client/src';
  if (isPackageRoot && path.slice(folder.length + 1).includes('/')) return null;
  return { folder, level };
}

/** Which packages a package's shipped code may import. */
export const PACKAGES_BELOW: Readonly<Record<string, readonly string[]>> = {
  core: [],
  client: ['core'],
  server: ['core'],
  react: ['client', 'core'],
};
