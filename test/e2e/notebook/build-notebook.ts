import { fileURLToPath } from 'node:url';
import { buildPages } from '../../browser/build-pages.ts';

/** Builds the notebook's two builds. */
export const buildNotebook = (outDir: string): Promise<void> =>
  buildPages({
    root: fileURLToPath(new URL('.', import.meta.url)),
    pages: { index: './older.ts', newer: './newer.ts' },
    outDir,
  });
