import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeSamples } from '../page-samples.ts';
import { PgCluster } from './pg-cluster.ts';

const [makeWriter = '', makeTool = '', report = ''] = [
  ...readFileSync('docs/guides/mirrors.md', 'utf8').matchAll(/^```sql\n([\s\S]*?)^```$/gm),
].map(([, sql]) => sql);
const folder = writeSamples('docs/guides/mirrors.md');
const dataDir = mkdtempSync(join(tmpdir(), 'alcove-mirrors-guide-'));
let cluster: PgCluster;
const running: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  cluster = await PgCluster.start();
}, 60_000);
afterAll(async () => {
  await Promise.all(running.map((one) => one.close()));
  vi.unstubAllEnvs();
  for (const path of [folder, dataDir]) rmSync(path, { recursive: true, force: true });
  await cluster.close();
});

interface Shop {
  room(name: string, id: string): { readonly mutate: { order(order: { id: string; customer: string; cents: number }): Promise<unknown> } };
  close(): Promise<void>;
}
interface Watch {
  look(): { readonly state: string; readonly totals: { readonly healthy: number } };
  compare(): Promise<readonly string[]>;
  anew(): Promise<void>;
}
const load = async <Exports>(name: string): Promise<Exports> => (await import(join(folder, name))) as Exports;

describe('the guide on mirrors', () => {
  it('[MI-1][MI-9] does what it says, with roles that may no more than it gives them', async () => {
    const as = (user: string, password: string): string =>
      cluster.primary.url.replace(/\/\/.*@/, `//${user}:${password}@`).replace(/postgres$/, 'app');
    await cluster.primary.query('CREATE DATABASE app');
    for (const statement of makeWriter.split(';').filter((one) => one.trim() !== '')) await cluster.primary.query(statement);
    vi.stubEnv('ALCOVE_MIRROR_URL', as('mirror_writer', 'a-long-one'));
    vi.stubEnv('DATA_DIR', dataDir);
    vi.stubEnv('PORT', '0');
    const { server } = await load<{ server: Shop }>('server.ts');
    running.push(server);
    await server.room('shop', 'berlin').mutate.order({ id: '1', customer: 'ada', cents: 250 });
    await server.room('shop', 'oslo').mutate.order({ id: '1', customer: 'bob', cents: 100 });
    const { look, compare, anew } = await load<Watch>('watch.ts');
    await vi.waitFor(() => expect(look()).toMatchObject({ state: 'running', error: null, totals: { healthy: 2 } }), {
      timeout: 20_000,
      interval: 50,
    });
    await cluster.primary.query(makeTool);
    const tool = new pg.Client({ connectionString: as('metabase', 'another%20one') });
    await tool.connect();
    running.push({ close: () => tool.end() });
    expect((await tool.query(report)).rows).toEqual([
      { room_id: 'berlin', orders: '1', total: expect.stringMatching(/^2\.50/) },
      { room_id: 'oslo', orders: '1', total: expect.stringMatching(/^1\.00/) },
    ]);
    await expect(tool.query('DELETE FROM alcove_shop.orders')).rejects.toThrow('permission denied');
    expect(await compare()).toEqual([]);
    await anew();
    expect((await tool.query('SELECT count(*) AS rows FROM alcove_shop.orders')).rows).toEqual([{ rows: '2' }]);
  });
});
