import { fc } from '../../fake/properties.ts';
import { describe, expect, it, vi } from 'vitest';
import { runCli } from '../../../packages/server/src/host/node/run-cli.ts';
import { ledger, type LedgerOp, put } from './ledger-room.ts';
import type { MirrorWorld } from './mirror-world.ts';
import { MirrorWorlds } from './mirror-worlds.ts';
import { eventually } from '../../fake/eventually.ts';

const worlds = MirrorWorlds.ofFile('m');
let world: MirrorWorld;

const id = fc.constantFrom('a', 'b', 'c', 'A', "d'", 'e"\\', 'ü€𝄞', '{NULL}');
const words = fc.constantFrom('', 'x', "it's", 'a\\b', '"quoted"', '{1,2}', 'NULL', 'line\nbreak', '\t', '𝄞');
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e300, 5e-324),
);
const op: fc.Arbitrary<LedgerOp> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      id,
      n: fc.option(fc.oneof(fc.integer(), fc.constantFrom(2 ** 52 - 1, -(2 ** 52 - 1)))), // twice it is in `doubled`
      r: fc.option(number),
      raw: fc.option(words),
      any: fc.oneof(fc.constant(null), number, words, fc.constantFrom('12abc', '1e5', ' 7 ', '0x10', 'Infinity', '.5', '9e999', '-9e999')),
      label: fc.option(words),
    }),
  },
  fc.record({ do: fc.constant('swap' as const), one: id, other: id }),
  fc.record({ do: fc.constant('rekey' as const), id, to: id }),
  fc.record({ do: fc.constant('remove' as const), id }),
  fc.record({ do: fc.constant('pair' as const), a: words, b: fc.nat(3), note: fc.option(words) }),
  fc.record({ do: fc.constant('unpair' as const), b: fc.nat(3) }),
  fc.record({ do: fc.constant('bare' as const), key: words, there: fc.boolean() }),
  fc.record({ do: fc.constant('secret' as const), id, word: words }),
);

/** A REAL that the column makes an INTEGER no driver reads: the room refuses it [DB-2], unless another line of the call takes it away again. */
const isBeyond = (line: LedgerOp): boolean =>
  line.do === 'put' && Number.isInteger(line.any) && !Number.isSafeInteger(line.any) && Math.abs(Number(line.any)) < 2 ** 63;

describe('a mirror', () => {
  it('[MI-3] holds in every table and column what the room holds, whatever is done to it', async () => {
    world = worlds.begin();
    const server = await world.server();
    let rooms = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(op, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 }), async (calls) => {
        rooms += 1;
        const room = server.room(ledger, `r${rooms}`);
        for (const [index, ops] of calls.entries()) {
          const call = room.mutate.run(ops);
          if (ops.some(isBeyond)) await call.catch((error: unknown) => expect(error).toMatchObject({ code: 'sql_failed' }));
          else await call;
          if (index === Math.floor(calls.length / 2)) await world.level(server, `r${rooms}`);
        }
        await world.level(server, `r${rooms}`);
        await world.isSame(`r${rooms}`);
        expect(await server.mirror.check('ledger', `r${rooms}`)).toEqual([]);
      }),
      {
        numRuns: Number(process.env['ALCOVE_MIRROR_RUNS'] ?? 12),
        interruptAfterTimeLimit: 25_000,
        examples: [[[[put('a', { any: 1 })], [put('a', { any: -(2 ** 53) })], [put('b', { any: 2 ** 62, label: 'b' })], [put('b')]]]],
      },
    );
    const tables = await worlds.primary.query<{ name: string }>('SELECT tablename AS name FROM pg_tables WHERE schemaname = $1', [
      `${world.prefix}_ledger`,
    ]);
    expect(tables.map(({ name }) => name).sort()).toEqual(['Pairs "x"', 'alcove_values', 'bare', 'items']);
  });

  it('[MI-4] what is wrong there is found by comparing, told, and made right', async () => {
    world = worlds.begin();
    const server = await world.server();
    await server.room(ledger, 'a').mutate.run([put('1', { n: 1 }), put('2', { n: 2 })]);
    await world.level(server, 'a');
    await worlds.primary.query(`UPDATE ${world.prefix}_ledger.items SET n = 3 WHERE id = '2'`);
    await worlds.primary.query(`INSERT INTO ${world.prefix}_ledger.bare VALUES ('a', 'made up')`);
    expect(await server.mirror.check('ledger', 'a')).toEqual(['bare', 'items']);
    await world.isSame('a');
    expect(server.mirror.status()?.checks).toEqual({ done: 2, drifted: 1, repaired: 1 });
    expect(world.log.errors).toMatchObject([{ fields: { room: 'ledger', id: 'a', tables: 'bare, items' } }]);
  });

  it('[HO-46] is shown and told what to do as replicas are: status, metrics, orders, the command line', async () => {
    world = worlds.begin();
    const token = 'an-admin-token-of-this-test';
    const server = await world.server({ port: 0, host: '127.0.0.1', admin: { token } });
    await server.room(ledger, 'seen').mutate.run([put('a', { n: 1 }), put('b', { n: 2 })]);
    await world.level(server, 'seen');
    const alcove = async (...args: string[]): Promise<string> => {
      let said = '';
      const take = (text: string): void => void (said += text);
      await runCli([...args, '--url', server.url, '--token', token], { out: take, err: take });
      return said;
    };
    await eventually(async () =>
      expect(await alcove('status')).toMatch(
        / {2}mirror at postgres.*: running, 0 rooms compared.*\n {4}1 of 1 rooms healthy, 1 readable, \d+ batch(?:es)?, \d+ rows?, 0 errors\n/,
      ),
    );
    expect(await alcove('status')).not.toContain(':secret@');
    const metrics = await fetch(`${server.url.replace('ws', 'http')}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    expect(await metrics.text()).toMatch(/^alcove_sync_rooms_healthy\{replica="mirror"\} 1$/m);
    await worlds.primary.query(`UPDATE ${world.prefix}_ledger.items SET n = 7`);
    await alcove('replicas', 'check', 'mirror', '--room', 'ledger/seen');
    await eventually(() => expect(server.mirror.status()?.checks).toMatchObject({ drifted: 1, repaired: 1 }));
    await worlds.primary.query(`DELETE FROM ${world.prefix}_ledger.items`);
    expect(await alcove('resync', 'ledger/seen', '--replica', 'mirror')).not.toContain('alcove:');
    await world.isSame('seen');
    // Without a room its PostgreSQL is looked at.
    expect(await alcove('replicas', 'check', 'mirror')).toContain('  mirror: up, 0 reads');
    for (const [who, told] of [
      ['readers', /readers holds no rooms of its own.*\n.*Name one that does: mirror\./],
      ['nobody', /no replica of the id "nobody".*\n.*Name one of those\./],
    ] as const)
      expect(await alcove('resync', 'ledger/seen', '--replica', who)).toMatch(told);
  });

  it('[MI-4] rooms are compared by themselves, busy ones too, without a false alarm', async () => {
    world = worlds.begin();
    const server = await world.server({ mirror: { checkIntervalMs: 1, batchMs: 0 } });
    await server.room(ledger, 'idle').mutate.run([put('1', { n: 1 })]);
    await world.level(server, 'idle');
    const many = Array.from({ length: 500 }, (_, index) => put(`row ${index}`, { n: index, label: `label ${index}` }));
    for (let n = 0; n < 40; n += 1)
      await server.room(ledger, 'busy').mutate.run(n % 10 === 0 ? many : [put(`row ${n}`, { n }), { do: 'remove', id: `row ${2 * n}` }]);
    const done = server.mirror.status()?.checks.done ?? 0;
    await vi.waitFor(() => expect(server.mirror.status()?.checks.done).toBeGreaterThan(done + 4), { timeout: 20_000, interval: 30 });
    expect(world.log.errors).toEqual([]);
    await worlds.primary.query(`DELETE FROM ${world.prefix}_ledger.items WHERE room_id = 'idle'`);
    await vi.waitFor(() => expect(server.mirror.status()?.checks).toMatchObject({ drifted: 1, repaired: 1 }), {
      timeout: 20_000,
      interval: 30,
    });
    expect(world.log.errors).toMatchObject([{ fields: { id: 'idle', tables: 'items' } }]);
    for (const room of ['idle', 'busy']) {
      await world.level(server, room);
      await world.isSame(room);
    }
  });
});
