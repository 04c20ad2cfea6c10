import { fileURLToPath } from 'node:url';
import { runChild } from './child.ts';

/** The path of a SQLite file that a new trip with 138,398 cities begins with; kept between runs of the benches. */
export const tripSeedFile = (): Promise<string> =>
  runChild('trip-seed.ts', fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../.cache/bench' : '..', import.meta.url)));
