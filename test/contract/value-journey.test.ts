import { withForeignKeysOff } from '@alcove/core/change/apply';
import { applyWireChanges, toWire } from '@alcove/core/change/wire';
import type { Json } from '@alcove/core/json';
import { jsonFrom } from '@alcove/core/json';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '@alcove/core/protocol/codec';
import { silentLogger } from '@alcove/core/runtime/logger';
import { mutator } from '@alcove/core/schema/define-mutator';
import { isStorableText } from '@alcove/core/sqlite/identifier';
import { fc } from '../fake/properties.ts';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { createBrowserRuntime } from '../../packages/client/src/worker/browser-runtime.ts';
import { createNodeRuntime } from '../../packages/server/src/host/node/node-runtime.ts';
import { engines } from './engines.ts';
import type { Engine } from './engines.ts';
import { MutationRoom, stops } from './mutation-room.ts';

const tab = createBrowserRuntime({ log: silentLogger });
const host = createNodeRuntime({ log: silentLogger });
const limits = { messageBytesMax: 1_000_000 };

interface Stop {
  readonly id: string;
  readonly height: number | null;
  readonly photo: readonly number[] | null;
}

/** What trips encoders and engines: controls, separators, marks, bidirectional text, emoji of several parts, SQL, JSON and HTML in text. */
const NASTY = [
  '\u0001',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\u202e',
  '\u200d',
  '👩‍👩‍👧',
  '🇯🇵',
  'é',
  'e\u0301',
  'ﬃ',
  '𝒳',
  '\uffff',
  "'; DROP TABLE stops; --",
  '"',
  '\\',
  '\\u0000',
  '</script>',
  'constructor',
  '__proto__',
  'NaN',
  '1e400',
  '-0',
  ' ',
  '\t',
  '\r\n',
  '%s',
  '𐏿',
  '\u{10ffff}',
]; // prettier-ignore
const text = fc
  .array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 3 })), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(''))
  .filter(isStorableText);

const stop: fc.Arbitrary<Stop> = fc.record({
  id: text,
  height: fc.option(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger(), fc.constantFrom(-0, 5e-324, 1e308))),
  photo: fc.option(fc.array(fc.nat({ max: 255 }), { maxLength: 5 })),
});

const mutators = {
  addStops: mutator(v.any(), (tx, added: Stop[]) => {
    for (const { id, height, photo } of added) {
      // Infinities cannot be arguments, but a mutator can compute them.
      const computed = height === 1e308 ? height * 10 : height;
      tx.insert(stops)
        .values({ id, city: `${id} city`, height: computed, photo: photo === null ? null : Buffer.from(photo) })
        .run();
    }
  }),
};

/** From a tab's call over the wire into a room's rows, and as a commit over the wire into a replica's. */
async function journey(from: Engine, to: Engine, added: readonly Stop[]): Promise<void> {
  const [room, replica] = [await MutationRoom.open(from, mutators), await MutationRoom.open(to, mutators)];
  try {
    const args: Json = jsonFrom(added, 'arguments_invalid', 'stops');
    const mutation = { clientId: 'c', mutationId: 1, name: 'addStops', args, seed: 's', nowMs: 1 };
    const push = decodeClientMessage(encodeMessage({ type: 'push', mutations: [mutation] }, 'deflate', tab), host, limits);
    expect(push).toEqual({ type: 'push', mutations: [mutation] });
    room.run('addStops', args);
    const changes = toWire(room.take());
    const frame = encodeMessage({ type: 'commit', from: 0, to: 1, schema: 's', changes, hash: 'h' }, 'deflate', host);
    const commit = decodeServerMessage(frame, tab, limits);
    if (commit?.type !== 'commit') throw new TypeError('no commit came');
    withForeignKeysOff(replica.database, () => {
      replica.capture.stop();
      applyWireChanges(replica.database, replica.model, commit.changes);
    });
    expect(replica.rows('stops')).toEqual(room.rows('stops'));
    const written = new Map(room.rows('stops').map(([id, city, , height, photo]) => [id, { city, height, photo }]));
    for (const { id, height, photo } of added) {
      expect(written.get(id)).toEqual({
        city: `${id} city`,
        // SQLite keeps no sign on zero.
        height: height === 1e308 ? Number.POSITIVE_INFINITY : height === null ? null : height + 0,
        photo: photo === null ? null : Uint8Array.from(photo),
      });
    }
  } finally {
    room.close();
    replica.close();
  }
}

it.each(engines)('[PR-2][MU-1] text, numbers and blobs arrive as they left: tab, wire, room on $name, wire, replica', async (engine) => {
  const [sqljs = engine] = engines;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(stop, { selector: ({ id }) => id, minLength: 1, maxLength: 8 }), (added) =>
      journey(engine, sqljs, added),
    ),
    { numRuns: 60 },
  );
  await journey(
    engine,
    sqljs,
    NASTY.map((id) => ({ id, height: null, photo: null })),
  );
});
