import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@alcove/client/node';
import { type Claims, defineRoom, mutator } from '@alcove/core';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer, type ServerOptions } from '@alcove/server/node';
import { asc, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PlainClient } from './plain-client.ts';

/** One row for each run of a mutation in the room: what ran twice stands twice. */
const runs = sqliteTable('runs', { at: integer().primaryKey(), n: integer().notNull(), role: text() });

/** Called in the room, in the middle of a commit. */
let onRun: (n: number) => void = () => undefined;

const run = mutator(v.number(), (tx, n, ctx) => {
  if (ctx.isServer) onRun(n);
  const [{ last }] = tx
    .select({ last: sql<number>`coalesce(max(${runs.at}), 0)` })
    .from(runs)
    .all() as [{ last: number }]; // an aggregate has one row
  tx.insert(runs)
    .values({ at: last + 1, n, role: ctx.user?.['role'] as string })
    .run();
});

const journal = defineRoom({ name: 'journal', schema: { runs }, mutators: { run } });
const ruled = defineRoom({
  name: 'journal',
  schema: { runs },
  mutators: { run },
  rules: { runs: { mayInsert: (_, claims) => claims['role'] === 'editor' } },
});
const byRole: NonNullable<ServerOptions['authorize']> = (claims, { kind }) => kind !== 'mutate' || claims?.['role'] === 'editor';

let dataDir = '';
const ends: (() => unknown)[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'alcove-mid-push-'));
});
afterEach(async () => {
  onRun = () => undefined;
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(dataDir, { recursive: true });
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 25_000, interval: 2 });
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** `tokens`: what each of them says; one that is not there is refused. Few mutations a commit, so that many wait. */
async function serve(
  definition: typeof journal,
  tokens: ReadonlyMap<string, Claims | Promise<Claims>>,
  authorize?: ServerOptions['authorize'],
) {
  const server = await createServer({
    rooms: [definition],
    dataDir,
    port: 0,
    signals: false,
    log: silentLogger,
    limits: { commitMutationsMax: 5, mutatorTimeBudgetMs: 60_000 },
    authenticate: (token) => tokens.get(token ?? '') ?? null,
    ...(authorize === undefined ? {} : { authorize }),
  });
  ends.push(() => server.close());
  const ran = () =>
    server.room(definition, 'mine').query((db) => db.select({ n: runs.n, role: runs.role }).from(runs).orderBy(asc(runs.at)));
  return { server, ran };
}

/** A page that shows whatever token it has just now. */
function page(url: string, token: string) {
  const said = { token };
  const client = createClient({ url, rooms: [journal], user: 'ann', auth: () => said.token });
  ends.push(() => client.close());
  const room = client.room(journal, 'mine');
  const calls: { readonly confirmed: Promise<unknown> }[] = [];
  const outcomes: string[] = [];
  const call = (): void => {
    const { confirmed } = room.mutate.run(calls.length + 1);
    const at = calls.push({ confirmed }) - 1;
    confirmed.then(
      () => (outcomes[at] = 'applied'),
      (error: { code: string }) => (outcomes[at] = error.code),
    );
  };
  const status = () => room.status.getSnapshot();
  return {
    said,
    room,
    outcomes,
    calls,
    status,
    /** Calls on and on, so that there is always something on its way, until the session is over. */
    async pushUntilOver(): Promise<void> {
      await until(() => {
        while (status().pendingCount < 200 && outcomes.length + 400 > calls.length) call();
        expect(['reconnecting', 'needs_auth', 'connecting']).toContain(status().connection);
      });
    },
  };
}

describe('rights that end while somebody pushes', () => {
  it.each([
    ['authorize', journal, byRole],
    ['a write rule', ruled, undefined],
  ] as const)(
    '[AC-13] [AC-24] a fresh token that says less: what waited was pushed under the old one, and is judged by the new, by %s',
    async (_, definition, authorize) => {
      const tokens = new Map<string, Claims | Promise<Claims>>([['t1', { sub: 'ann', role: 'editor' }]]);
      // What the fresh token says is known once the 50th of a hundred that came in one piece runs, and not before.
      tokens.set('t2', new Promise((resolve) => (onRun = (n) => n === 50 && resolve({ sub: 'ann', role: 'viewer' }))));
      const { server, ran } = await serve(definition, tokens, authorize);
      const ann = new PlainClient(server.url);
      ends.push(() => ann.cut());
      await ann.opened();
      ann.hello('mine', { room: 'journal', token: 't1' });
      await ann.heard('welcome');
      ann.say({ type: 'auth', token: 't2' });
      for (const from of [0, 100, 200, 300]) {
        const mutations = upTo(100).map((n) => ({ clientId: ann.clientId, mutationId: from + n, name: 'run', args: from + n }));
        ann.say({ type: 'push', mutations });
      }
      const last = await ann.result(400);
      expect(last).toMatchObject({ status: 'rejected', code: 'forbidden' });
      const results = ann.messages.flatMap((message) => message.results ?? []);
      expect(results.map(({ mutationId }) => mutationId)).toEqual(upTo(400));
      const applied = results.filter(({ status }) => status === 'applied').length;
      expect(results.slice(applied).every(({ status, code }) => status === 'rejected' && code === 'forbidden')).toBe(true);
      expect(applied).toBeGreaterThanOrEqual(50);
      expect(applied).toBeLessThan(100);
      expect(await ran()).toEqual(upTo(applied).map((n) => ({ n, role: 'editor' })));
    },
  );

  it('[AC-6] [AC-28] [CN-49] a token that runs out: needs_auth, nothing lost, and nothing done twice', async () => {
    // Good for two seconds more, by the tolerance of clocks.
    const tokens = new Map<string, Claims>([['t1', { sub: 'ann', exp: Date.now() / 1000 - 58 }]]);
    const { server, ran } = await serve(journal, tokens);
    const ann = page(server.url, 't1');
    await until(() => expect(ann.status().connection).toBe('connected'));
    await ann.pushUntilOver();
    await until(() => expect(ann.status().connection).toBe('needs_auth'));
    const { pendingCount } = ann.status();
    expect(pendingCount).toBeGreaterThan(0);
    expect((await ran()).length).toBeGreaterThan(0);
    expect(ann.outcomes.filter((outcome) => outcome !== undefined).every((outcome) => outcome === 'applied')).toBe(true);
    expect(ann.room.rejected.getSnapshot()).toEqual([]);

    tokens.set('t2', { sub: 'ann' });
    ann.said.token = 't2';
    ann.room.reconnect();
    await Promise.all(ann.calls.map(({ confirmed }) => confirmed));
    expect((await ran()).map(({ n }) => n)).toEqual(upTo(ann.calls.length));
    expect(ann.status()).toMatchObject({ connection: 'connected', pendingCount: 0 });
  });

  it('[AC-12] [AC-13] a session that is ended and comes back with less: each is done once or refused once, in order', async () => {
    const tokens = new Map<string, Claims>([['t1', { sub: 'ann', role: 'editor' }]]);
    const { server, ran } = await serve(journal, tokens, byRole);
    const ann = page(server.url, 't1');
    await until(() => expect(ann.status().connection).toBe('connected'));
    const over = ann.pushUntilOver();
    await until(() => expect(ann.outcomes.length).toBeGreaterThan(50));
    tokens.delete('t1');
    tokens.set('t2', { sub: 'ann', role: 'viewer' });
    ann.said.token = 't2';
    expect(await server.sessions.end({ user: 'ann' })).toBe(1);
    await over;
    await until(() => expect(ann.status()).toMatchObject({ connection: 'connected', pendingCount: 0 }));
    await until(() => expect(ann.outcomes.filter((outcome) => outcome !== undefined)).toHaveLength(ann.calls.length));
    const applied = ann.outcomes.indexOf('forbidden');
    expect(applied).toBeGreaterThan(50);
    expect(new Set(ann.outcomes.slice(0, applied))).toEqual(new Set(['applied']));
    expect(new Set(ann.outcomes.slice(applied))).toEqual(new Set(['forbidden']));
    expect(await ran()).toEqual(upTo(applied).map((n) => ({ n, role: 'editor' })));
    expect(await ann.room.read((db) => db.select({ n: runs.n }).from(runs).orderBy(asc(runs.at)))).toEqual(
      upTo(applied).map((n) => ({ n })),
    );
  });
});
