import type { BenchServerOptions } from './bench-server.ts';
import { type BenchChild, startChild } from './child.ts';

/** A real server of ours in a process of its own. */
export const startServer = (options: BenchServerOptions): Promise<BenchChild> => startChild('bench-server.ts', JSON.stringify(options));
