import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const COMPRESSIBLE = /\.(js|css|html|svg|wasm|json)$/;
/** Smaller ones fit into one packet anyway. */
const COMPRESS_BYTES_MIN = 1_024;
/** Two per cent more bytes than the best, in a tenth of the time. */
const BROTLI_QUALITY = 9;

/** Writes the service worker beside the page, with the names of all that it keeps. */
function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    apply: (_, { command, isSsrBuild }) => command === 'build' && isSsrBuild !== true,
    writeBundle({ dir }) {
      if (dir === undefined) return;
      const built = readdirSync(join(dir, 'assets')).filter((name) => !/\.(map|gz|br)$/.test(name));
      const files = ['/', '/theme.js', '/mark.svg', ...built.map((name) => `/assets/${name}`)];
      const fixed = ['index.html', 'theme.js', 'mark.svg'].map((name) => readFileSync(join(dir, name), 'utf8'));
      const build = createHash('sha256')
        .update(JSON.stringify([files, fixed]))
        .digest('hex')
        .slice(0, 16);
      const text = readFileSync(join(import.meta.dirname, 'src/service-worker.js'), 'utf8');
      writeFileSync(
        join(dir, 'service-worker.js'),
        `const FILES = ${JSON.stringify(files)};\nconst BUILD = ${JSON.stringify(build)};\n${text}`,
      );
    },
  };
}

/** Writes compressed copies beside the built files, so that the server compresses nothing while somebody waits. */
function compressedCopies(): Plugin {
  return {
    name: 'compressed-copies',
    apply: (_, { command, isSsrBuild }) => command === 'build' && isSsrBuild !== true,
    writeBundle({ dir }) {
      if (dir === undefined) return;
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        const file = join(dir, name);
        if (!COMPRESSIBLE.test(name) || statSync(file).size < COMPRESS_BYTES_MIN) continue;
        const bytes = readFileSync(file);
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }));
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }));
      }
    },
  };
}

/** `vite build` makes the page, `vite build --ssr server.ts` the server; in development the packages are read from their sources. */
export default defineConfig(({ command, isSsrBuild }) => ({
  root: import.meta.dirname,
  plugins: [react(), serviceWorker(), compressedCopies()],
  ...(command === 'serve' ? { resolve: { conditions: ['@alcove/source', 'module', 'browser', 'development|production'] } } : {}),
  worker: { format: 'es' },
  build: {
    outDir: isSsrBuild === true ? 'dist' : 'dist/client',
    emptyOutDir: isSsrBuild !== true,
    copyPublicDir: isSsrBuild !== true,
    target: 'es2023',
    // Nothing inside the page's own files: the policy it is served with allows no data: fonts.
    assetsInlineLimit: 0,
    sourcemap: true,
    // Names without a hash: the next build takes their place.
    ...(isSsrBuild === true ? { rolldownOptions: { output: { chunkFileNames: 'server-[name].js' } } } : {}),
  },
  // Packages stay packages: the server finds them in node_modules, as it does from its sources.
  ssr: { external: true },
}));
