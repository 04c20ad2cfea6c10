import type { Logger } from '@alcove/core/runtime/logger';
import { type DatabaseOptions, resolveDatabases } from '../postgres/database-options.ts';
import { openReplicaPools, type ReplicaPools } from '../postgres/replica-pools.ts';
import { createConsoleLogger } from './console-logger.ts';
import { createNodeRuntime } from './node-runtime.ts';

export interface ReplicaPoolsOptions extends DatabaseOptions {
  /** Default: one line an entry on standard error. */
  readonly log?: Logger;
}

/**
 * Pools over an app's own PostgreSQL, with or without a server of rooms: reads from standbys, writes to the primary. Connections are made when they are needed, but for one that looks at each standby.
 * @throws AlcoveError `option_invalid`: names the option, what was given and what may be.
 */
export function createReplicaPools({ log = createConsoleLogger(), ...options }: ReplicaPoolsOptions): ReplicaPools {
  return openReplicaPools(resolveDatabases('options', options), createNodeRuntime({ log }));
}
