import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import { createServer } from '@alcove/server/node';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CollectingLogger } from '../fake/collecting-logger.ts';
import { PlainClient } from './plain-client.ts';

const stops = sqliteTable('stops', { id: text().primaryKey(), city: text().notNull(), position: text().notNull() });

/** The room of the document's example. */
const trip = defineRoom({
  name: 'trip',
  schema: { stops },
  mutators: {
    addStop: mutator(v.object({ id: v.string(), city: v.string(), position: v.string() }), (tx, stop) => {
      tx.insert(stops).values(stop).run();
    }),
  },
  presence: v.object({ name: v.string(), color: v.string() }),
  cursor: v.object({ x: v.number(), y: v.number() }),
});

const document = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
const [, sample = ''] = /^```js\n([^]*?)^```$/m.exec(document) ?? [];

let dataDir: string;
let peer: ChildProcessWithoutNullStreams | undefined;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'alcove-peer-'));
});
afterEach(() => {
  peer?.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

/** Runs the document's program as it stands, with `ws` as this folder's packages have it. */
function runSample(
  url: string,
  id: string,
): { lines: string[]; errors: string[]; ended: Promise<number | null>; line(start: string): Promise<string> } {
  const child = spawn(process.execPath, ['--input-type=module', '-', url, id], { cwd: fileURLToPath(new URL('.', import.meta.url)) });
  peer = child;
  const lines: string[] = [];
  const errors: string[] = [];
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  let wake = (): void => undefined;
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  child.stdin.end(sample);
  const line = async (start: string): Promise<string> => {
    for (;;) {
      const found = lines.find((candidate) => candidate.startsWith(start));
      if (found !== undefined) return found;
      const next = new Promise<null>((resolve) => {
        wake = () => resolve(null);
      });
      const code = await Promise.race([next, ended.then((status) => ({ status }))]);
      if (code !== null) throw new RangeError(`the sample ended with ${code.status} before it said ${start}: ${errors.join('')}`);
    }
  };
  return { lines, errors, ended, line };
}

it('[PR-15] the twenty lines of docs/PROTOCOL.md join a room, are seen, point, write and follow the stream', async () => {
  expect(sample.split('\n').length).toBeLessThan(26);
  const server = await createServer({ rooms: [trip], dataDir, port: 0, signals: false, log: new CollectingLogger() });
  const witness = await PlainClient.join(server.url, 'japan-2027');
  try {
    const program = runSample(server.url, 'japan-2027');
    expect(JSON.parse((await program.line('results ')).slice('results '.length))).toMatchObject([
      { mutationId: 1, status: 'applied', version: 1 },
    ]);
    const changes = (await program.line('commit 1 ')).slice('commit 1 '.length);
    const [change] = JSON.parse(changes);
    expect(change).toMatchObject({
      table: 'stops',
      columns: ['id', 'city', 'position'],
      puts: [[expect.stringMatching(/^plain-\d+$/)], ['Nara'], ['a0']],
    });

    const presence = { name: 'Plain peer', color: '#557799' };
    const isSeen = (state: object) => (message: object) => JSON.stringify(message).includes(JSON.stringify(state));
    await witness.heard('presence', isSeen(presence));
    await witness.heard('cursors', isSeen({ x: 0.5, y: 0.5 }));
    await witness.heard('commit', (message) => message['to'] === 1);

    await server.room(trip, 'japan-2027').mutate.addStop({ id: 'b', city: 'Kyoto', position: 'a1' });
    expect(await program.line('commit 2 ')).toContain('Kyoto');
    const rows = await server.room(trip, 'japan-2027').query((db) => db.select({ city: stops.city }).from(stops).orderBy(stops.position));
    expect(rows).toEqual([{ city: 'Nara' }, { city: 'Kyoto' }]);

    await server.close();
    expect(await program.ended).toBe(1);
    expect(program.errors.join('')).toContain('draining');
  } finally {
    witness.cut();
    await server.close();
  }
});
