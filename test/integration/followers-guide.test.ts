import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@alcove/client/node';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { type SQL, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeSamples } from './page-samples.ts';

const folder = writeSamples('docs/guides/followers.md');
const dataDir = mkdtempSync(join(tmpdir(), 'alcove-followers-guide-'));
const running: { close(): Promise<void> }[] = [];

beforeAll(() => {
  vi.stubEnv('PORT', '0');
  vi.stubEnv('DATA_DIR', join(dataDir, 'primary'));
});
afterAll(async () => {
  await Promise.all(running.map((one) => one.close()));
  vi.unstubAllEnvs();
  for (const path of [folder, dataDir]) rmSync(path, { recursive: true, force: true });
});

/** What of the page's modules is used here; the compiler looks at them in the page. */
interface Running {
  close(): Promise<void>;
}
interface Primary extends Running {
  room(
    name: string,
    id: string,
  ): { readonly mutate: { add(card: { id: string; title: string }): Promise<unknown> }; query(query: SQL): Promise<unknown> };
}
interface Follower extends Running {
  readonly url: string;
  room(definition: unknown, id: string): { sql(query: SQL): Promise<{ readonly rows: readonly unknown[] }> };
}
interface WithReplicas extends Running {
  room(name: string, id: string): { sql(query: SQL, options: { at: 'any' }): Promise<{ readonly replica: string }> };
}
const load = async <Exports>(name: string): Promise<Exports> => (await import(join(folder, name))) as Exports;
const begun = <Server extends Running>(server: Server): Server => {
  running.push(server);
  return server;
};

describe('the guide on followers', () => {
  it('[FO-6][RD-12] does what it says', async () => {
    const primary = begun((await load<{ primary: Primary }>('primary.ts')).primary);
    await primary.room('board', 'team').mutate.add({ id: 'a', title: 'first' });
    const follower = begun((await load<{ follower: Follower }>('follower.ts')).follower);
    const { board } = await load<{ board: AnyRoom }>('board.ts');
    const count = sql`SELECT count(*) AS n FROM cards`;
    await vi.waitFor(async () => expect((await follower.room(board, 'team').sql(count)).rows).toEqual([{ n: 1 }]), { timeout: 20_000 });
    // A tab there writes as anywhere, and the primary has it.
    const client = createClient({ url: follower.url, rooms: [board] });
    await client.room(board, 'team').mutate['add']?.({ id: 'b', title: 'second' }).confirmed;
    client.close();
    expect(await primary.room('board', 'team').query(count)).toEqual([{ n: 2 }]);
    const { withReplicas } = await load<{ withReplicas(url: string, dataDir: string): Promise<WithReplicas> }>('replica.ts');
    const server = begun(await withReplicas(follower.url, join(dataDir, 'other')));
    // Another server's follower has other histories: its own readers answer.
    expect((await server.room('board', 'own').sql(count, { at: 'any' })).replica).toBe('readers');
  });
});
