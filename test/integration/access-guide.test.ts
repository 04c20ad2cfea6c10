import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MutationHandle } from '@alcove/client';
import { createClient } from '@alcove/client/node';
import { type AnyRoom, defineRoom, mutator } from '@alcove/core';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import type { AlcoveServer, Authenticate } from '@alcove/server/node';
import { eq, sql } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { complaintsOf, samplesOf, writeSamples } from './page-samples.ts';

const SECRET = 'a secret of the issuer and this notebook';
/** A Node process of its own that compiles what it imports. */
const PROCESS_MS = 60_000;
const path = 'docs/guides/access.md';
const page = samplesOf(path);
/** What Vite runs, or a browser. */
const NOT_IN_NODE: ReadonlySet<string> = new Set(['client.ts', 'notebook.worker.ts', 'vite.config.ts']);

const folder = writeSamples(path);
const dataDir = mkdtempSync(join(tmpdir(), 'alcove-access-guide-'));
beforeAll(() => {
  vi.stubEnv('PORT', '0');
  vi.stubEnv('ISSUER_PORT', '0');
  vi.stubEnv('TOKEN_SECRET', SECRET);
});
afterAll(() => {
  vi.unstubAllEnvs();
  for (const place of [folder, dataDir]) rmSync(place, { recursive: true, force: true });
});

/** A module of the page, with a dataDir of its own; what it exports is what the page says it does, and the compiler looks at that in the page. */
const load = async <Exports>(name: string): Promise<Exports> => {
  vi.stubEnv('DATA_DIR', join(dataDir, name));
  return (await import(join(folder, name))) as Exports;
};

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** What the issuer of the page would sign. */
const tokenFor = (sub: string, claims: object = {}): string => {
  const payload = {
    iss: 'https://login.example',
    aud: 'notebook',
    sub,
    teams: ['red'],
    exp: Math.floor(Date.now() / 1000) + 600,
    ...claims,
  };
  const said = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(payload)}`;
  return `${said}.${createHmac('sha256', SECRET).update(said).digest('base64url')}`;
};

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const client of open.splice(0)) client.close();
});

/** Somebody's page. Their token may be changed on the way, as a sign-in does. */
function visit(url: string, definition: AnyRoom, token: string | null, id = 'red') {
  const said = { token };
  const client = createClient({ url, rooms: [definition], user: 'somebody', auth: () => said.token });
  open.push(client);
  const room = client.room(definition, id);
  const call = (name: string, args: unknown): MutationHandle => {
    const mutate = (room.mutate as Readonly<Record<string, (args: unknown) => MutationHandle>>)[name]; // by what the page declares
    if (mutate === undefined) throw new TypeError(`no mutator ${name}`);
    return mutate(args);
  };
  return {
    said,
    room,
    call,
    done: (name: string, args: unknown) => call(name, args).confirmed,
    rows: () => room.read(sql<{ id: string; body: string; price: number | null }>`select id, body, price from notes order by body`),
    status: () => room.status.getSnapshot(),
  };
}

type Visitor = ReturnType<typeof visit>;
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 5 });
const bodies = async (visitor: Visitor): Promise<string[]> => (await visitor.rows()).map(({ body }) => body);
const refused = (code: string) => expect.objectContaining({ code }) as Error;

describe('the page on access', () => {
  it('has no block that is not compiled', () => {
    expect(page.strays).toEqual([]);
    expect(page.commands).toEqual([]);
    expect([...page.files.keys()]).toContain('notebook.ts');
  });

  /** Those that are run, each alone: with `tsx`, in a process of its own. What else of the page it imports must leave its port and its folder to it. */
  it.each([...page.files.keys()].filter((name) => name.endsWith('.ts') && !NOT_IN_NODE.has(name)))(
    '%s is run by itself',
    async (name) => {
      const run = `const started = await import('./${name}'); process.stdout.write(Object.keys(started).join()); process.exit(0);`;
      vi.stubEnv('DATA_DIR', join(dataDir, `alone-${name}`));
      const args = ['--conditions=@alcove/source', '--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', run];
      expect(await complaintsOf(args, folder)).toBe('');
    },
    PROCESS_MS,
  );

  it('lists what is run', () => {
    const list = /^## 13\. Run it$([\s\S]*)/m.exec(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))?.[1] ?? '';
    for (const name of page.files.keys()) expect(list).toContain(name);
  });
});

describe('steps 1 and 2', () => {
  it('without authenticate whoever is on this machine is nobody in particular and may do everything', async () => {
    const { openNotebook } = await load<{ openNotebook: AnyRoom }>('open-notebook.ts');
    const { open: server } = await load<{ open: AlcoveServer }>('open.ts');
    try {
      const somebody = visit(server.url, openNotebook, null);
      await somebody.done('write', { body: 'anything' });
      const [row] = await server.room(openNotebook, 'red').query(sql<{ ownerId: string }>`select ownerId from notes`);
      expect(row).toEqual({ ownerId: 'nobody' });
      const another = visit(server.url, openNotebook, null);
      await until(async () => expect(await bodies(another)).toEqual(['anything']));
      // The page of step 13, which has the definition of the later steps.
      const { notebook } = await load<{ notebook: AnyRoom }>('notebook.ts');
      const later = visit(server.url, notebook, null);
      await until(async () => expect(await bodies(later)).toEqual(['anything']));
      await later.done('write', { body: 'more' });
    } finally {
      await server.close();
    }
  });

  it('a token that is not known: needs_auth, what is written stays and goes when a token is good', async () => {
    const { openNotebook } = await load<{ openNotebook: AnyRoom }>('open-notebook.ts');
    const { withTokens: server } = await load<{ withTokens: AlcoveServer }>('tokens.ts');
    try {
      const ann = visit(server.url, openNotebook, 'made up');
      await until(() => expect(ann.status().connection).toBe('needs_auth'));
      const written = ann.call('write', { body: 'meanwhile' });
      await written.local;
      expect(written.status).toBe('pending');
      ann.said.token = 'a-token-of-ann';
      ann.room.reconnect();
      await written.confirmed;
      expect(ann.status().user).toEqual({ sub: 'ann' });
    } finally {
      await server.close();
    }
  });
});

interface Change {
  rightsChanged(server: AlcoveServer, user: string): Promise<number>;
  throwOut(server: AlcoveServer, user: string, id: string): Promise<number>;
}

describe('the whole of it, with JSON Web Tokens', () => {
  let server: AlcoveServer;
  let notebook: AnyRoom;
  let change: Change;
  beforeAll(async () => {
    ({ notebook } = await load<{ notebook: AnyRoom }>('notebook.ts'));
    ({ server } = await load<{ server: AlcoveServer }>('server.ts'));
    change = await load<Change>('change.ts');
  });
  afterAll(() => server.close());

  let team = 0;
  /** A team of their own for each test, as rooms are tenants. */
  const newTeam = async () => {
    const id = `team-${(team += 1)}`;
    await server.rooms.create('notebook', id);
    return { id, as: (sub: string, claims: object = {}) => visit(server.url, notebook, tokenFor(sub, { teams: [id], ...claims }), id) };
  };
  const all = (id: string) => server.room(notebook, id).query(sql<{ id: string; body: string }>`select id, body from notes order by body`);

  it('step 3: a token of the page’s own issuer lets in by what stands in it, and whoever is not signed in gets none', async () => {
    const { issuer } = await load<{ issuer: Server }>('issuer.ts');
    if (!issuer.listening) await once(issuer, 'listening');
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/token`; // it listens on a port
    const tokenOf = async (name: string) => (await fetch(url, { headers: { cookie: `a=b; name=${name}` } })).text();
    try {
      expect((await fetch(url)).status).toBe(401);
      const stranger = visit(server.url, notebook, await tokenOf('mallory'));
      await until(() => expect(stranger.status().connection).toBe('needs_auth'));
      // Bob may open a room of this team, and not make it.
      const early = visit(server.url, notebook, await tokenOf('bob'));
      await until(() => expect(early.status()).toMatchObject({ connection: 'failed', error: { code: 'room_unknown' } }));
      const ann = visit(server.url, notebook, await tokenOf('ann'));
      await ann.done('write', { body: 'first' });
      expect(ann.status().user).toMatchObject({ sub: 'ann', role: 'admin', teams: ['red'] });
      early.room.reconnect();
      await early.done('write', { body: 'second' });
      expect(early.status().user).toMatchObject({ sub: 'bob', projects: ['p1'] });
    } finally {
      issuer.close();
    }
  });

  it('[AC-11][AC-16] step 4: a room of another team is refused, there or not; a viewer looks and may not write; admins make rooms', async () => {
    const { id, as } = await newTeam();
    await as('ann').done('write', { body: 'ours' });
    const stranger = visit(server.url, notebook, tokenFor('eve', { teams: ['blue'] }), id);
    const nowhere = visit(server.url, notebook, tokenFor('eve', { teams: ['blue'] }), 'there-is-none');
    for (const { status } of [stranger, nowhere])
      await until(() => expect(status()).toMatchObject({ connection: 'failed', error: { code: 'forbidden' } }));
    expect(stranger.status().error?.message).toBe(nowhere.status().error?.message);

    const viewer = as('vic', { role: 'viewer', projects: [] });
    await expect(viewer.done('write', { body: 'not mine to write' })).rejects.toEqual(refused('forbidden'));
    expect(await bodies(viewer)).toEqual([]);
    await expect(server.rooms.create('notebook', 'new-team', { user: { sub: 'ann', role: 'member' } })).rejects.toEqual(
      refused('forbidden'),
    );
    await server.rooms.create('notebook', 'new-team', { user: { sub: 'root', role: 'admin' } });
    expect(await server.rooms.list('notebook', { user: { sub: 'ann', teams: [id] } })).toEqual([id]);
  });

  it('[AC-20][AC-21] step 5: own, shared, of a project, by invitation; a note comes and goes; its price is its owner’s', async () => {
    const { as, id } = await newTeam();
    const [ann, bob, cleo] = [as('ann'), as('bob'), as('cleo', { projects: ['p1'] })];
    const admin = as('root', { role: 'admin' });
    await ann.done('write', { body: 'diary' });
    await ann.done('write', { body: 'plan', project: 'p1' });
    await until(async () => expect(await bodies(admin)).toEqual(['diary', 'plan']));
    await until(async () => expect(await bodies(cleo)).toEqual(['plan']));
    expect(await bodies(bob)).toEqual([]);
    const [diary] = await ann.rows();
    await ann.done('share', { id: diary?.id, shared: true });
    await until(async () => expect(await bodies(bob)).toEqual(['diary']));
    await ann.done('share', { id: diary?.id, shared: false });
    await until(async () => expect(await bodies(bob)).toEqual([]));
    await ann.done('invite', { id: diary?.id, user: 'bob' });
    await until(async () => expect(await bodies(bob)).toEqual(['diary']));

    await bob.done('offer', { id: diary?.id, amount: 70 });
    await bob.done('offer', { id: diary?.id, amount: 50 });
    await until(async () => expect((await ann.rows()).map(({ price }) => price)).toEqual([70, null]));
    expect(await bob.rows()).toMatchObject([{ body: 'diary', price: null }]);
    expect(await server.room(notebook, id).query(sql`select amount from offers order by amount`)).toEqual([{ amount: 50 }, { amount: 70 }]);
    await expect(ann.room.read(sql`select * from offers`)).rejects.toThrowError();
  });

  it('[AC-24] step 6: what others wrote is theirs, seen or not; the mutation is undone alone, and those behind it go on', async () => {
    const { as, id } = await newTeam();
    const [ann, bob] = [as('ann'), as('bob')];
    await ann.done('write', { body: 'hidden' });
    await ann.done('write', { body: 'shown' });
    const [hidden, shown] = await all(id);
    await ann.done('share', { id: shown?.id, shared: true });
    await until(async () => expect(await bodies(bob)).toEqual(['shown']));
    const edited = bob.call('edit', { id: shown?.id, body: 'mine now' });
    const written = bob.call('write', { body: 'bob’s' });
    await edited.local;
    await expect(edited.confirmed).rejects.toEqual(refused('forbidden'));
    await written.confirmed;
    await until(async () => expect(await bodies(bob)).toEqual(['bob’s', 'shown']));
    for (const [name, args] of [
      ['edit', { id: hidden?.id, body: 'x' }],
      ['remove', { id: hidden?.id }],
      ['remove', { id: shown?.id }],
      ['invite', { id: hidden?.id, user: 'bob' }],
    ] as const)
      await expect(bob.done(name, args), name).rejects.toEqual(refused('forbidden'));
    expect((await all(id)).map(({ body }) => body)).toEqual(['bob’s', 'hidden', 'shown']);
    // Step 11: of a row that is not there nothing is refused.
    await bob.done('edit', { id: 'no such note', body: 'x' });
  });

  it('[AC-12][AC-23] step 8: a right that is taken back takes its rows along, one that is given brings them, what is pending stays; whoever is thrown out stops', async () => {
    const { as, id } = await newTeam();
    const [ann, bob] = [as('ann'), as('bob', { projects: ['p1'] })];
    await ann.done('write', { body: 'plan', project: 'p1' });
    await ann.done('write', { body: 'other', project: 'p2' });
    await until(async () => expect(await bodies(bob)).toEqual(['plan']));
    bob.said.token = tokenFor('bob', { teams: [id], projects: ['p2'] });
    const written = bob.call('write', { body: 'mine' });
    expect(await change.rightsChanged(server, 'bob')).toBe(1);
    await until(async () => expect(await bodies(bob)).toEqual(['mine', 'other']));
    await written.confirmed;
    expect((await all(id)).map(({ body }) => body)).toEqual(['mine', 'other', 'plan']);

    expect(await change.throwOut(server, 'bob', id)).toBe(1);
    await until(() => expect(bob.status()).toMatchObject({ connection: 'failed', error: { code: 'forbidden' } }));
  });

  it('step 10: what is too much is sent again by itself', async () => {
    const { as, id } = await newTeam();
    const ann = as('ann');
    // Ten times what the page allows at once.
    await Promise.all(Array.from({ length: 600 }, (_, n) => ann.done('write', { body: `note ${n}` })));
    expect(await all(id)).toHaveLength(600);
  });
});

it('step 9: who a cookie names', async () => {
  const { bySession } = await load<{ bySession(userOf: (session: string) => string | undefined): Authenticate }>('same-origin.ts');
  const authenticate = bySession((session) => (session === 's1' ? 'ann' : undefined));
  const claims = (cookie?: string) =>
    authenticate(null, { remoteAddress: '', origin: undefined, headers: cookie === undefined ? {} : { cookie } });
  expect([claims('a=b; session=s1'), claims('session=s2'), claims('xsession=s1'), claims()]).toEqual([{ sub: 'ann' }, null, null, null]);
});

it('step 11: that a hidden row has a key is found out by whoever guesses it, and what is in it is not', async () => {
  const secrets = sqliteTable('secrets', { id: text().primaryKey(), owner: text().notNull(), body: text().notNull() });
  const put = mutator(v.object({ id: v.string(), body: v.string() }), (tx, row, ctx) =>
    tx
      .insert(secrets)
      .values({ ...row, owner: ctx.user?.sub ?? '' })
      .run(),
  );
  const room = defineRoom({
    name: 'secrets',
    schema: { secrets },
    mutators: { put },
    rules: { secrets: { visibleTo: (row, { sub = '' }) => eq(row.owner, sub) } },
  });
  const server = await createServer({
    rooms: [room],
    dataDir: join(dataDir, 'secrets'),
    port: 0,
    signals: false,
    log: silentLogger,
    authenticate: (token) => ({ sub: token ?? '' }),
  });
  try {
    await visit(server.url, room, 'ann').done('put', { id: 'guessed', body: 'canary' });
    const bob = visit(server.url, room, 'bob');
    const taken: unknown = await bob.done('put', { id: 'guessed', body: '' }).catch((error: unknown) => error);
    expect(taken).toMatchObject({ code: 'constraint_failed' });
    expect(JSON.stringify(taken) + String(taken)).not.toContain('canary');
    expect(await bob.room.read(sql`select * from secrets`)).toEqual([]);
  } finally {
    await server.close();
  }
});
