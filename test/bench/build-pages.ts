import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { build } from 'vite';

/** From the sources of the benches and from their bundle alike. */
const root = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './pages' : '../../../bench/pages', import.meta.url));

/** Builds the pages as an app's are built, for production, from the packages' sources; answers with their folder. */
export async function buildPages(outDir: string): Promise<string> {
  const pages = readdirSync(root).filter((name) => name.endsWith('.html'));
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    plugins: [react()],
    resolve: { conditions: ['@alcove/source', 'module', 'browser', 'development|production'] },
    worker: { format: 'es' },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2023',
      assetsInlineLimit: 0,
      rollupOptions: { input: pages.map((name) => join(root, name)) },
    },
  });
  return outDir;
}
