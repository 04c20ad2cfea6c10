import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@alcove/client/node';
import { defineRoom, mutator, value } from '@alcove/core';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import type { Json } from '@alcove/server/node';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EDGE_JSON, NAUGHTY_TEXTS, REFUSED_JSON } from './naughty-texts.ts';
import { PlainClient } from './plain-client.ts';

const notes = sqliteTable('notes', {
  id: text().primaryKey(),
  body: text().notNull(),
  json: text({ mode: 'json' }).$type<{ is: Json }>().notNull(),
});
const anything = v.custom<Json>(() => true);
const room = defineRoom({
  name: 'trip',
  schema: { notes },
  mutators: {
    add: mutator(v.object({ id: v.string(), body: v.string(), json: anything }), (tx, { id, body, json }) => {
      tx.insert(notes)
        .values({ id, body, json: { is: json } })
        .run();
    }),
  },
  presence: anything,
  values: { any: value(anything, { intervalMs: 50 }) },
  ephemeral: { any: anything },
});

let dataDir = '';
const ends: (() => unknown)[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'alcove-naughty-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(dataDir, { recursive: true });
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 5 });

async function start() {
  const server = await createServer({
    rooms: [room],
    dataDir,
    port: 0,
    signals: false,
    log: silentLogger,
    limits: { mutatorTimeBudgetMs: 60_000, sessionEphemeralKeysMax: 1_000 },
  });
  ends.push(() => server.close());
  const open = () => {
    const client = createClient({ url: server.url, rooms: [room] });
    ends.push(() => client.close());
    return client.room(room, 'r');
  };
  return { server, open };
}

const written = [
  ...NAUGHTY_TEXTS.map((body, at) => ({ id: `t${String(at).padStart(3, '0')}`, body, json: null as Json })),
  ...EDGE_JSON.map((json, at) => ({ id: `j${String(at).padStart(3, '0')}`, body: '', json })),
  // As a key of the table too: rows are told apart by it, in the log, on the wire and in the tab.
  ...NAUGHTY_TEXTS.map((body, at) => ({ id: `${body}·${at}`, body, json: [body] as Json })),
];
const expected = new Map(written.map(({ id, body, json }) => [id, { id, body, json: { is: json } }]));
const asMap = (rows: readonly { readonly id: string }[]): Map<string, unknown> => new Map(rows.map((row) => [row.id, row]));

describe('naughty texts and JSON at its edges', () => {
  it('[AC-18] as arguments and rows: the same in the tab, the room, another tab, and after a restart', async () => {
    const { server, open } = await start();
    const [mine, others] = [open(), open()];
    const all = (of: typeof mine) => of.query((db) => db.select().from(notes));
    ends.push(all(others).subscribe(() => undefined));
    await all(others).promise;
    const added = written.map((note) => mine.mutate.add(note));
    await Promise.all(added.map(({ local }) => local));
    expect(asMap(await mine.read((db) => db.select().from(notes)))).toEqual(expected);
    await Promise.all(added.map(({ confirmed }) => confirmed));
    expect(asMap(await server.room(room, 'r').query((db) => db.select().from(notes)))).toEqual(expected);
    await until(() => expect(asMap(all(others).getSnapshot().data ?? [])).toEqual(expected));
    await server.close();
    const again = await start();
    const late = again.open();
    await all(late).promise;
    expect(asMap(await late.read((db) => db.select().from(notes)))).toEqual(expected);
    expect(JSON.stringify([...expected.values()].map((row) => row.json))).toBe(
      JSON.stringify(
        [...expected.keys()].map((id) => (asMap(all(late).getSnapshot().data ?? []).get(id) as { json: unknown } | undefined)?.json),
      ),
    );
  });

  it('[AC-18] as values, presence and ephemeral state, and as their keys', async () => {
    const { open } = await start();
    const [mine, others] = [open(), open()];
    const states: readonly Json[] = [...EDGE_JSON.filter((json) => json !== null), ...NAUGHTY_TEXTS];
    await until(() => expect([mine, others].map((of) => of.status.getSnapshot().connection)).toEqual(['connected', 'connected']));
    const key = (at: number): string => `${NAUGHTY_TEXTS[at % NAUGHTY_TEXTS.length]?.slice(0, 200) ?? ''} ${at}`;
    const seen = states.map((_, at) => others.value('any', key(at)));
    for (const one of seen) ends.push(one.subscribe(() => undefined));
    states.forEach((state, at) => mine.value('any', key(at)).set(state));
    await until(() => expect(seen.map((one) => one.getSnapshot().value)).toEqual(states));
    for (const state of states) {
      mine.presence.set(state);
      await until(() => expect(others.presence.others.getSnapshot().map((one) => one.state)).toEqual([state]));
    }
    const shown = new Map<number, ReturnType<typeof mine.ephemeral>>();
    states.slice(0, 60).forEach((state, at) => {
      shown.set(at, others.ephemeral('any', key(at)));
      mine.ephemeral('any', key(at)).set(state);
    });
    await until(() => {
      for (const [at, one] of shown) expect(one.others.getSnapshot().map(({ state }) => state)).toEqual([states[at]]);
    });
  });

  it.each(REFUSED_JSON)('[AC-18] %s is not taken: where it is called, and by the room from who did not ask', async (text) => {
    const { server, open } = await start();
    const mine = open();
    const json = JSON.parse(text) as Json;
    await expect(mine.mutate.add({ id: 'x', body: '', json }).local).rejects.toMatchObject({ code: 'arguments_invalid' });
    const own = mine.value('any');
    own.set(json); // told to the console, as refused states are, and taken back
    await until(() => expect(own.getSnapshot().value).not.toEqual(json));
    const raw = await PlainClient.join(server.url, 'r');
    ends.push(() => raw.cut());
    raw.socket.send(
      `{"type":"push","mutations":[{"clientId":"${raw.clientId}","mutationId":1,"name":"add","args":{"id":"x","body":"","json":${text}}}]}`,
    );
    expect((await raw.end()).code).toBe(4400);
    expect(await server.room(room, 'r').query((db) => db.select().from(notes))).toEqual([]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
