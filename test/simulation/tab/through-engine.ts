import type { SyncEngine } from '../../../packages/client/src/sync/engine-interface.ts';
import type { EngineRead, ServerRows } from '../../../packages/client/src/sync/server-read.ts';

/** Sees a read on the server from an engine's taking it to its answer. `pending`: what the engine has pending, and shows of its siblings, as it takes the read. */
export type ThroughEngine = (
  who: string,
  engine: SyncEngine,
  read: EngineRead,
  pending: readonly { readonly clientId: string; readonly mutationId: number }[],
  run: () => Promise<ServerRows>,
) => Promise<ServerRows>;
