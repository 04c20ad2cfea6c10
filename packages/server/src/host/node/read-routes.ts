import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { ReadRoutes } from './host-reads.ts';
import type { ReaderPool } from './reader-pool.ts';

/** Where reads go: the process's own readers, which are never behind. */
export function readRoutes(readers: ReaderPool | null, runtime: Runtime): ReadRoutes {
  return {
    async read(request, _route, _waitMs, signal) {
      if (readers === null) throw new AlcoveError('sql_unavailable', 'this server was started without readers');
      if (!readers.available) {
        const message = 'SQL of users runs in a sandbox, and this server has none: @photostructure/sqlite does not load here';
        throw new AlcoveError('sql_unavailable', message);
      }
      const startMs = runtime.monotonicMs();
      const answer = await readers.read(request, signal);
      const tookMs = Math.round(runtime.monotonicMs() - startMs);
      return { ...answer, replica: readers.id, lag: { versions: 0, ms: 0 }, tookMs };
    },
  };
}
