import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { clientMessage } from '@alcove/core/protocol/client-message';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '@alcove/core/protocol/codec';
import { decodeRelayWord, RELAY_WORDS, relayWord, unwrapRelayed, wrapRelayed } from '@alcove/core/protocol/relay';
import { serverMessage } from '@alcove/core/protocol/server-message';
import { PROTOCOL_FLOOR, PROTOCOL_VERSION } from '@alcove/core/protocol/version';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { describeSchema } from './describe-schema.ts';

const runtime = new FakeRuntime();
const limits = { messageBytesMax: 1_000_000 };

const folder = (version: number): URL => new URL(`../golden/protocol-v${version}/`, import.meta.url);
const supported = Array.from({ length: PROTOCOL_VERSION - PROTOCOL_FLOOR + 1 }, (_, index) => PROTOCOL_FLOOR + index);

/** A recorded message: what stood on the wire, and what readers of this version make of it. */
interface Golden {
  readonly wire: { readonly type: string };
  readonly read: { readonly type: string };
}

const goldens = (version: number, direction: 'client' | 'server' | 'relay'): { name: string; golden: Golden }[] =>
  readdirSync(folder(version))
    .filter((file) => file.startsWith(`${direction}-`))
    .flatMap((file) => {
      const recorded = JSON.parse(readFileSync(new URL(file, folder(version)), 'utf8')) as Golden[]; // written by us
      return recorded.map((golden, index) => ({ name: `${file} ${index}`, golden }));
    });

describe('[PR-3] the wire changes only with its version', () => {
  const schemas = { client: clientMessage, server: serverMessage, relay: relayWord };
  const described = `${JSON.stringify(Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, describeSchema(schema)])), null, 1)}\n`;
  const file = new URL('schema.json', folder(PROTOCOL_VERSION));
  // Only for a version that no release speaks yet.
  if (process.env['ALCOVE_UPDATE_GOLDEN'] === '1') writeFileSync(file, described);

  it(`the schemas are those recorded for version ${PROTOCOL_VERSION}`, () => {
    const advice =
      'The wire has changed: bump PROTOCOL_VERSION, add a history line in version.ts, and record the new version under test/golden.';
    expect(described === readFileSync(file, 'utf8'), advice).toBe(true);
  });

  it('the history has a line for every version', () => {
    const source = readFileSync(new URL('../../packages/core/src/protocol/version.ts', import.meta.url), 'utf8');
    for (let version = 1; version <= PROTOCOL_VERSION; version++) expect(source).toMatch(new RegExp(`^ \\* ${version}  \\S`, 'm'));
  });
});

describe.each(supported)('[PR-3] messages recorded from version %d', (version) => {
  it.each(goldens(version, 'client'))('are read as then: $name', ({ golden }) => {
    expect(decodeClientMessage(JSON.stringify(golden.wire), runtime, limits)).toStrictEqual(golden.read);
    expect(decodeClientMessage(encodeMessage(golden.wire as never, 'deflate', runtime), runtime, limits)).toStrictEqual(golden.read); // any message will do
  });

  it.each(goldens(version, 'server'))('are read as then: $name', ({ golden }) => {
    expect(decodeServerMessage(JSON.stringify(golden.wire), runtime, limits)).toStrictEqual(golden.read);
  });

  it.each(goldens(version, 'relay'))('are read as then between two servers: $name', ({ golden }) => {
    const frame = unwrapRelayed(wrapRelayed(RELAY_WORDS, JSON.stringify(golden.wire), runtime))?.frame;
    expect(decodeRelayWord(frame ?? new Uint8Array(), runtime, limits)).toStrictEqual(golden.read);
  });

  it('are there for every type', () => {
    const types = (direction: 'client' | 'server' | 'relay') =>
      [...new Set(goldens(version, direction).map(({ golden }) => golden.wire.type))].sort();
    expect(types('client')).toEqual(clientMessage.options.map((option) => option.entries.type.literal).sort());
    expect(types('server')).toEqual(serverMessage.options.map((option) => option.entries.type.literal).sort());
    expect(types('relay')).toEqual(relayWord.options.map((option) => option.entries.type.literal).sort());
  });
});
