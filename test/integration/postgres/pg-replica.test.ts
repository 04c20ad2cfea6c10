import { afterAll } from 'vitest';
import { replicaContract } from '../../contract/replica-contract.ts';
import { PgCluster } from './pg-cluster.ts';
import type { PgNode } from './pg-node.ts';
import { PgWorld } from './pg-world.ts';

let starting: Promise<PgCluster> | null = null;
const cluster = (): Promise<PgCluster> => (starting ??= PgCluster.start({ standbys: 1 }));
afterAll(async () => (await starting)?.close());

replicaContract('a PostgreSQL standby', async () => {
  const { primary, standbys } = await cluster();
  return PgWorld.open(primary, standbys[0] as PgNode); // one was asked for
});
