import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const folder = fileURLToPath(new URL('.', import.meta.url));
/** Below test/, so that its packages are found from there. */
const outDir = join(folder, '../.cache/bench/node');
const host = join(folder, '../../packages/server/src/host/node');
/** Processes that benches start. */
const MODULES = ['bare-server', 'bare-reader', 'bench-server', 'bench-follower', 'read-client', 'flood-client'];

const conditions = ['@alcove/source', 'module', 'node', 'development|production', 'import', 'default'];

/** Bundles the benches, the processes they start and our packages from their sources; other packages stay packages. Answers with what to run. */
export async function bundleBenches(): Promise<string> {
  await build({
    configFile: false,
    root: folder,
    logLevel: 'warn',
    ssr: { noExternal: [/^@alcove\//, 'fractional-indexing' /* the demo's, not to be found from here */], resolve: { conditions } },
    build: {
      ssr: true,
      outDir,
      emptyOutDir: true,
      target: 'node20',
      minify: false,
      sourcemap: true,
      rollupOptions: {
        input: {
          main: join(folder, 'main.ts'),
          ...Object.fromEntries(MODULES.map((name) => [name, join(folder, `${name}.ts`)])),
          // The server starts them from beside its own module.
          'builder-child': join(host, 'builder-child.ts'),
          'reader-child': join(host, 'reader-child.ts'),
          'mirror-child': join(host, 'mirror-child.ts'),
        },
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  });
  return join(outDir, 'main.js');
}
