import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { buildPages } from '../browser/build-pages.ts';

/** From the sources of the benches and from their bundle alike. */
const root = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '.' : '../../../bench', import.meta.url));

const pages = {
  'board-floor': './pages/board-floor.tsx',
  'board-ours': './pages/board-ours.tsx',
  'cold-open-floor': './pages/cold-open-floor.ts',
  'cold-open-ours': './pages/cold-open-ours.ts',
  'outbox-floor': './pages/outbox-floor.ts',
  'outbox-ours': './pages/outbox-ours.ts',
  persist: './pages/persist.ts',
  'warm-open-floor': './pages/warm-open-floor.ts',
};

/** Builds the benches' pages; answers with their folder. */
export async function buildBenchPages(outDir: string): Promise<string> {
  await buildPages({ root, pages, outDir, plugins: [react()] });
  return outDir;
}
