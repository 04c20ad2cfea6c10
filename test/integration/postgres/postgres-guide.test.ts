import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ReplicaPools } from '@alcove/server/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSamples } from '../page-samples.ts';
import { PgCluster } from './pg-cluster.ts';

const folder = writeSamples('docs/guides/postgres.md');
let cluster: PgCluster;
let pools: ReplicaPools | undefined;

beforeAll(async () => {
  cluster = await PgCluster.start({ standbys: 1 });
  await cluster.primary.query("CREATE TABLE people AS SELECT 1 AS id, 'Ada' AS name UNION SELECT 2, 'Bo'");
  await cluster.level();
});
afterAll(async () => {
  await pools?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Used {
  rename(replicas: ReplicaPools, id: number, name: string): Promise<string>;
  personOf(replicas: ReplicaPools, id: number, at?: string): Promise<unknown[]>;
  swap(replicas: ReplicaPools, a: number, b: number): Promise<void>;
}
const load = async <Exports>(name: string): Promise<Exports> => (await import(join(folder, name))) as Exports;

describe('the guide on an app’s own tables', () => {
  it('[RD-90][RD-91] does what it says', async () => {
    const { openPools } = await load<{ openPools(primary: string, standbys: readonly string[]): ReplicaPools }>('pools.ts');
    pools = openPools(
      cluster.primary.url,
      cluster.standbys.map(({ url }) => url),
    );
    const { rename, personOf, swap } = await load<Used>('use.ts');
    const at = await rename(pools, 1, 'Eve');
    expect(await personOf(pools, 1, at)).toEqual([{ id: 1, name: 'Eve' }]);
    await swap(pools, 1, 2);
    expect(await personOf(pools, 2, await pools.bookmark())).toEqual([{ id: 2, name: 'Eve' }]);
    expect(await personOf(pools, 3)).toEqual([]);
  });
});
