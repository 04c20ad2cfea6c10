import { AlcoveError } from '@alcove/core/error';
import { clientMessage } from '@alcove/core/protocol/client-message';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '@alcove/core/protocol/codec';
import { serverMessage } from '@alcove/core/protocol/server-message';
import type { ServerMessageInput } from '@alcove/core/protocol/server-message';
import { silentLogger } from '@alcove/core/runtime/logger';
import { fc } from '../fake/properties.ts';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowserRuntime } from '../../packages/client/src/worker/browser-runtime.ts';
import { createNodeRuntime } from '../../packages/server/src/host/node/node-runtime.ts';
import { arbitraryOf } from './arbitrary-message.ts';

const node = createNodeRuntime({ log: silentLogger });
const browser = createBrowserRuntime({ log: silentLogger });
const limits = { messageBytesMax: 1_000_000 };

const REFUSALS = ['bad_message', 'message_too_large', 'message_too_deep', 'protocol_unsupported'];

/** Either direction: its messages, the side that reads them. */
const directions = [
  { name: 'client to room', schema: clientMessage, decode: decodeClientMessage, writer: browser, reader: node },
  { name: 'room to client', schema: serverMessage, decode: decodeServerMessage, writer: node, reader: browser },
] as const;

/** What objects have anyway: nothing that was decoded may change it. */
const prototypes = () =>
  JSON.stringify([Object.prototype, Array.prototype, Function.prototype].map((prototype) => Object.getOwnPropertyNames(prototype)));
const before = prototypes();
beforeAll(() => expect(before).toContain('__proto__'));
afterAll(() => expect(prototypes()).toBe(before));

type Direction = (typeof directions)[number];

/** Decodes and says how it went; anything but a message, null or a coded refusal fails the test. */
function outcome(direction: Direction, frame: string | Uint8Array): string {
  try {
    const message = direction.decode(frame, direction.reader, limits);
    if (message === null) return 'ignored';
    expect(v.is(direction.schema, message)).toBe(true);
    return 'taken';
  } catch (error) {
    if (!(error instanceof AlcoveError)) throw error;
    expect(REFUSALS).toContain(error.code);
    expect(error.message.length).toBeLessThan(800);
    return error.message;
  }
}

/** One change at one place of a message: what is there goes, or becomes something else, or gets company. */
const change = fc.record({
  place: fc.nat(),
  kind: fc.constantFrom('drop', 'replace', 'repeat', 'add'),
  value: fc.oneof(
    fc.constantFrom<unknown>(null, true, -1, 0.5, 2 ** 53, 1e308, '', '__proto__', '$server:x', [], {}, [[]], { b: 1 }),
    fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
  ),
});

/** All places of a value, as (parent, key). */
function places(value: unknown, found: { parent: Record<string, unknown>; key: string }[] = []): typeof found {
  if (typeof value !== 'object' || value === null) return found;
  const parent = value as Record<string, unknown>; // arrays too: their indexes are keys
  for (const key of Object.keys(parent)) {
    found.push({ parent, key });
    places(parent[key], found);
  }
  return found;
}

function changed(message: unknown, { place, kind, value }: { place: number; kind: string; value: unknown }): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(message));
  const all = places(copy);
  const at = all[place % Math.max(all.length, 1)];
  if (at === undefined) return copy;
  if (kind === 'drop') delete at.parent[at.key];
  else if (kind === 'replace') at.parent[at.key] = value;
  else if (kind === 'repeat' && Array.isArray(at.parent)) at.parent.push(at.parent[Number(at.key)]);
  else at.parent[typeof value === 'string' ? value : 'more'] = value;
  return copy;
}

describe.each(directions)('$name', (direction) => {
  const message = arbitraryOf(direction.schema) as fc.Arbitrary<ClientMessageInput & ServerMessageInput>; // made from the schema

  it('[PR-2] every message comes out of every codec as it went in', () => {
    fc.assert(
      fc.property(message, (input) => {
        const expected = v.parse(direction.schema, JSON.parse(JSON.stringify(input)));
        for (const codec of ['json', 'deflate'] as const) {
          const frame = encodeMessage(input, codec, direction.writer);
          expect(direction.decode(frame, direction.reader, limits)).toEqual(expected);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('[PR-4][PR-12] a message changed in one place is taken, ignored or refused with a code and a path', () => {
    const types = direction.schema.options.map((option) => option.entries.type.literal);
    fc.assert(
      fc.property(message, change, (input, spot) => {
        const said = outcome(direction, JSON.stringify(changed(input, spot)));
        if (said === 'taken' || said === 'ignored') return;
        const hasPath = said.startsWith('type: ') || types.some((type) => said.startsWith(`${type}: `) || said.startsWith(`${type}.`));
        if (!hasPath) expect(said).toMatch(/^(the message is |the peer speaks |an integer of )/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('[PR-4] flipped, cut, repeated and foreign bytes are answered, never a crash', () => {
    const damage = fc.array(
      fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), kind: fc.constantFrom('set', 'cut', 'insert', 'double') }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(message, fc.constantFrom('json', 'deflate'), damage, (input, codec, steps) => {
        const whole = encodeMessage(input, codec, direction.writer);
        let bytes = typeof whole === 'string' ? new TextEncoder().encode(whole) : whole;
        for (const { at, byte, kind } of steps) {
          const index = at % bytes.length;
          if (kind === 'set') bytes = Uint8Array.from(bytes, (old, position) => (position === index ? byte : old));
          else if (kind === 'cut') bytes = bytes.slice(0, Math.max(index, 1));
          else bytes = Uint8Array.of(...bytes.slice(0, index), ...(kind === 'insert' ? [byte] : bytes), ...bytes.slice(index));
        }
        outcome(direction, bytes);
        outcome(direction, new TextDecoder().decode(bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  it('[PR-4] any bytes and any JSON are answered', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void outcome(direction, bytes)));
    fc.assert(fc.property(fc.json({ maxDepth: 40, stringUnit: 'binary' }), (text) => void outcome(direction, text)));
  });
});

it('both runtimes read and write the same messages', () => {
  const message = arbitraryOf(clientMessage) as fc.Arbitrary<ClientMessageInput>; // made from the schema
  fc.assert(
    fc.property(message, (input) => {
      const [byNode, byBrowser] = [encodeMessage(input, 'deflate', node), encodeMessage(input, 'deflate', browser)];
      expect(decodeClientMessage(byNode, browser, limits)).toEqual(decodeClientMessage(byBrowser, node, limits));
    }),
  );
});
