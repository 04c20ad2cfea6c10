import { copyFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';
import pg from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { spawnSource } from '../child-server.ts';
import { ledger, put } from './ledger-room.ts';
import type { LedgerServer, MirrorWorld } from './mirror-world.ts';
import { MirrorWorlds } from './mirror-worlds.ts';
import { eventually } from '../../fake/eventually.ts';

const worlds = MirrorWorlds.ofFile('f');
let world: MirrorWorld;

const write = async (server: LedgerServer, id: string, n: number): Promise<void> => {
  await server.room(ledger, id).mutate.run([put(`k${n % 7}`, { n, label: `label ${n % 5}` }), { do: 'remove', id: `k${(n * 3) % 7}` }]);
};

describe('[MI-5] a mirror that is stopped anywhere goes on from its watermarks', () => {
  it('its process is killed again and again while rooms are written', async () => {
    world = worlds.begin();
    const server = await world.server({ mirror: { batchMs: 0 } });
    let kills = 0;
    for (let n = 0; n < 60; n += 1) {
      await write(server, n % 2 === 0 ? 'a' : 'b', n);
      const { pid, state } = server.mirror.status() ?? {};
      if (n % 15 !== 14 || typeof pid !== 'number') continue;
      expect(state).toBeDefined();
      process.kill(pid, 'SIGKILL');
      kills += 1;
      await vi.waitFor(() => expect(server.mirror.status()?.restarts).toBe(kills), { timeout: 20_000, interval: 10 });
    }
    expect(kills).toBeGreaterThan(2);
    for (const id of ['a', 'b']) {
      await world.level(server, id);
      await world.isSame(id);
    }
  });

  it('a signal to stop, which a terminal and supervisors send to it as well, leaves it to its server', async () => {
    world = worlds.begin();
    const server = await world.server();
    await write(server, 'a', 0);
    await world.level(server, 'a');
    const { pid } = server.mirror.status() ?? {};
    if (typeof pid !== 'number') expect.unreachable('the mirror has a process');
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal);
    await write(server, 'a', 1);
    await world.level(server, 'a');
    expect(server.mirror.status()).toMatchObject({ pid, restarts: 0 });
  });

  it('PostgreSQL crashes and comes back, while rooms are written: nobody who writes notices, it is told once, and the rest follows', async () => {
    world = worlds.begin();
    const server = await world.server({ mirror: { batchMs: 0 } });
    await write(server, 'a', 0);
    await world.level(server, 'a');
    for (let round = 0; round < 2; round += 1) {
      for (let n = 0; n < 10; n += 1) await write(server, 'a', n);
      await worlds.primary.stop('immediate');
      const { version } = await server.rooms.open('ledger', 'a');
      for (let n = 0; n < 30; n += 1) await write(server, n % 2 === 0 ? 'a' : `new${round}`, n);
      await vi.waitFor(() => expect(server.mirror.status()?.state).toBe('unavailable'), { timeout: 20_000, interval: 20 });
      expect(server.mirror.status()?.error?.hint).toContain('the mirror goes on by itself');
      expect((await server.rooms.open('ledger', 'a')).version).toBeGreaterThan(version);
      await worlds.primary.start();
      for (const id of ['a', `new${round}`]) {
        await world.level(server, id);
        await world.isSame(id);
      }
    }
    await vi.waitFor(() => expect(server.mirror.status()).toMatchObject({ state: 'running', error: null, totals: { lagVersions: 0 } }), {
      timeout: 20_000,
    });
    const told = world.log.errors.map(({ message }) => message);
    expect(new Set(told)).toEqual(new Set(['the mirror cannot write; nothing is lost, and it goes on by itself']));
    expect(told.length).toBeLessThan(12);
  });

  it('the server is killed while it writes', async () => {
    world = worlds.begin();
    const path = fileURLToPath(new URL('./ledger-process.ts', import.meta.url));
    for (let kills = 0; kills < 2; kills += 1) {
      const child = spawnSource(path, [world.dataDir, worlds.primary.url, world.prefix]);
      let acknowledged = 0;
      child.stdout?.on('data', (bytes: Buffer) => {
        acknowledged = Number(bytes.toString().trim().split('\n').at(-1));
      });
      await vi.waitFor(
        async () => {
          expect(acknowledged).toBeGreaterThan(10);
          expect(Number((await world.watermark('b'))?.version ?? 0)).toBeGreaterThan(5);
        },
        { timeout: 20_000, interval: 10 },
      );
      child.kill('SIGKILL');
      await eventually(() => expect(child.signalCode).toBe('SIGKILL'));
    }
    const server = await world.server();
    for (const id of ['a', 'b']) {
      await world.level(server, id);
      await world.isSame(id);
    }
  });
});

describe('[MI-6] rooms that come and go', () => {
  it('while nobody looked are found when it starts: made, deleted, restored as another history', async () => {
    world = worlds.begin();
    const first = await world.server();
    for (const id of ['stays', 'goes', 'other', 'restored']) {
      await write(first, id, id.length);
      await world.level(first, id);
    }
    await first.close();
    for (const ending of ['.sqlite', '.head']) {
      copyFileSync(world.file('stays', ending), world.file('made', ending));
      copyFileSync(world.file('other', ending), world.file('restored', ending));
      rmSync(world.file('goes', ending));
    }
    const server = await world.server();
    for (const id of ['made', 'restored', 'stays']) {
      await world.level(server, id);
      await world.isSame(id);
    }
    await vi.waitFor(async () => expect(await world.watermark('goes')).toMatchObject({ state: 'deleted' }), {
      timeout: 20_000,
      interval: 20,
    });
    // Its rows are kept, and nobody sees them but the owner.
    const [kept] = await worlds.primary.query<{ rows: string }>(
      `SELECT count(*) AS rows FROM ${world.prefix}_ledger.items WHERE room_id = 'goes'`,
    );
    expect(Number(kept?.rows)).toBeGreaterThan(0);
  });

  it('are deleted and made again under their id; past the retention nothing is left of one but that it was', async () => {
    world = worlds.begin();
    const server = await world.server({ mirror: { retentionMs: 0 } });
    for (const id of ['again', 'gone']) {
      await write(server, id, 3);
      await world.level(server, id);
    }
    await server.rooms.delete('ledger', 'again');
    await server.rooms.delete('ledger', 'gone');
    await write(server, 'again', 5);
    await world.level(server, 'again');
    await world.isSame('again');
    await vi.waitFor(
      async () => {
        expect(await world.watermark('gone')).toMatchObject({ state: 'deleted', position: null });
        expect(Object.values(await world.inMirror('gone')).flat()).toEqual([]);
      },
      { timeout: 20_000, interval: 20 },
    );
    await vi.waitFor(() => expect(server.mirror.status()?.rooms.find(({ id }) => id === 'gone')).toMatchObject({ state: 'deleted' }), {
      timeout: 20_000,
    });
  });
});

describe('[MI-7] a room that the log does not lead to', () => {
  it('is copied anew in pieces, and whoever reads sees one version whole or nothing', async () => {
    world = worlds.begin();
    const server = await world.server({ limits: { changeLogVersionsMax: 1, housekeepingIntervalMs: 10 } });
    const rows = 30;
    const all = (n: number) => Array.from({ length: rows }, (_, index) => put(`row ${index}`, { n }));
    await server.room(ledger, 'a').mutate.run(all(0));
    await world.level(server, 'a');
    let reads = 0;
    let isOver = false;
    const client = new pg.Client({ connectionString: worlds.primary.url });
    await client.connect();
    const reader = (async () => {
      while (!isOver) {
        const {
          rows: [seen],
        } = await client.query<{ rows: string; kinds: string }>(
          `SELECT count(*) AS rows, count(DISTINCT i.n) AS kinds FROM ${world.prefix}_ledger.items i
            WHERE i.room_id IN (SELECT id FROM ${world.prefix}.watermarks WHERE room = 'ledger' AND state = 'live')`,
        );
        expect([`0 0`, `${rows} 1`]).toContain(`${seen?.rows} ${seen?.kinds}`);
        reads += 1;
      }
      await client.end();
    })();
    for (let n = 1; n <= 12; n += 1) {
      const anew = n % 3 === 0 ? server.mirror.resync('ledger', 'a') : Promise.resolve();
      await server.room(ledger, 'a').mutate.run(all(n));
      await anew;
    }
    // Its process stands still while the log is cut behind its back.
    const pid = server.mirror.status()?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    for (let n = 13; n <= 20; n += 1) await server.room(ledger, 'a').mutate.run(all(n));
    const database = openDatabase(world.file('a'), { readonly: true });
    await vi.waitFor(() => expect(database.prepare('SELECT count(*) FROM alcove_log').get()?.[0]).toBeLessThan(4), { timeout: 20_000 });
    database.close();
    process.kill(pid, 'SIGCONT');
    await world.level(server, 'a');
    await eventually(() => expect(reads).toBeGreaterThan(10));
    isOver = true;
    await reader;
    await world.isSame('a');
  });
});

describe('[MI-8] what PostgreSQL cannot hold', () => {
  it('stops its own room, which says so, and no other; put right, it goes on', async () => {
    world = worlds.begin();
    const server = await world.server();
    await write(server, 'well', 1);
    await server.room(ledger, 'poisoned').mutate.run([put('1', { n: 1 })]);
    await world.level(server, 'poisoned');
    await server.room(ledger, 'poisoned').mutate.run([put('half', { n: 1.5 })]);
    await vi.waitFor(
      () => {
        const [worst] = server.mirror.status()?.rooms ?? [];
        expect(worst).toMatchObject({ id: 'poisoned', state: 'failing', version: 1, lagVersions: 1, error: { code: 'sql_failed' } });
        expect(worst?.error?.message).toContain('table items, row ["half"]: column n holds a number that is not whole');
      },
      { timeout: 20_000, interval: 20 },
    );
    await server
      .room(ledger, 'poisoned')
      .mutate.run([put('long', { label: 'x'.repeat(100_000) }), { do: 'pair', a: 'y'.repeat(9_000), b: 1, note: null }]);
    for (let n = 0; n < 5; n += 1) await write(server, 'well', n);
    await world.level(server, 'well');
    await world.isSame('well');
    expect(await world.inMirror('poisoned')).toMatchObject({ items: [expect.stringContaining('"1",1')] });
    await server.room(ledger, 'poisoned').mutate.run([put('half', { n: 2 }), { do: 'unpair', b: 1 }]);
    await server.mirror.resync('ledger', 'poisoned');
    await world.isSame('poisoned');
    expect(world.log.errors.filter(({ fields }) => fields['id'] === 'well')).toEqual([]);
  });

  it('a table that somebody dropped is made again, and its rooms are copied anew', async () => {
    world = worlds.begin();
    const server = await world.server();
    await write(server, 'a', 2);
    await write(server, 'idle', 4);
    for (const id of ['a', 'idle']) await world.level(server, id);
    await worlds.primary.query(`DROP TABLE ${world.prefix}_ledger.items`);
    await write(server, 'a', 4);
    const areSame = async (): Promise<void> => {
      for (const id of ['a', 'idle']) {
        await world.level(server, id);
        await vi.waitFor(() => world.isSame(id), { timeout: 20_000, interval: 50 });
      }
    };
    await areSame();
    // Nobody knows any more which rows are whose.
    await worlds.primary.query(`INSERT INTO ${world.prefix}_ledger.bare VALUES ('idle', 'left over')`);
    await worlds.primary.query(`DROP SCHEMA ${world.prefix} CASCADE`);
    await write(server, 'a', 5);
    await vi.waitFor(areSame, { timeout: 20_000, interval: 50 });
    const [row] = await worlds.primary.query<{ policies: string }>(
      `SELECT count(*) AS policies FROM pg_policies WHERE schemaname = '${world.prefix}_ledger'`,
    );
    expect(row?.policies).toBe('12');
  });
});
