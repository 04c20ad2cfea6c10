import { readFileSync } from 'node:fs';
import { ERROR_CODES } from '@alcove/core/error';
import { clientMessage } from '@alcove/core/protocol/client-message';
import { decodeClientMessage, decodeServerMessage } from '@alcove/core/protocol/codec';
import { IMAGE_HEADERS } from '@alcove/core/protocol/image-headers';
import { decodeRelayWord, RELAY_WORDS, relayWord, unwrapRelayed, wrapRelayed } from '@alcove/core/protocol/relay';
import { serverMessage } from '@alcove/core/protocol/server-message';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../fake/fake-runtime.ts';

const text = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
const limits = { messageBytesMax: 1_000_000 };

const samples = (direction: 'client' | 'server' | 'relay'): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`json ${direction}\n([^]*?)^\`\`\`$`, 'gm'))].flatMap(([, block]) =>
    (block ?? '').trim().split('\n'),
  );

const closeRows = [...text.matchAll(/^\| (\d{4}) \| ([^|]+) \|/gm)].flatMap(([, closeCode, codes]) =>
  [...(codes ?? '').matchAll(/`(\w+)`/g)].map(([, code]) => `${code} ${closeCode}`),
);

describe('docs/PROTOCOL.md', () => {
  it.each(samples('client'))('a room reads the sample %s', (sample) => {
    expect(decodeClientMessage(sample, new FakeRuntime(), limits)).toMatchObject({ type: JSON.parse(sample).type });
  });

  it.each(samples('server'))('a client reads the sample %s', (sample) => {
    expect(decodeServerMessage(sample, new FakeRuntime(), limits)).toMatchObject({ type: JSON.parse(sample).type });
  });

  it.each(samples('relay'))('servers read the sample %s', (sample) => {
    const frame = unwrapRelayed(wrapRelayed(RELAY_WORDS, sample, new FakeRuntime()))?.frame ?? new Uint8Array();
    expect(decodeRelayWord(frame, new FakeRuntime(), limits)).toMatchObject({ type: JSON.parse(sample).type });
  });

  it('names every message', () => {
    const types = [...clientMessage.options, ...serverMessage.options, ...relayWord.options].map((option) => option.entries.type.literal);
    const named = new Set([...text.matchAll(/`(\w+)`|"type":"(\w+)"/g)].map(([, quoted, sampled]) => quoted ?? sampled));
    expect(types.filter((type) => !named.has(type))).toEqual([]);
  });

  it('names every field of hello', () => {
    const hello = clientMessage.options.find((option) => option.entries.type.literal === 'hello');
    const fields = Object.keys(hello?.entries ?? {}).filter((field) => field !== 'type');
    expect(fields.length).toBeGreaterThan(8);
    expect(fields.filter((field) => !text.includes(`\`${field}\``) && !text.includes(`\`hello.${field}\``))).toEqual([]);
  });

  it('names every header of an image', () => {
    expect(Object.values(IMAGE_HEADERS).filter((header) => !text.includes(`\`${header}\``))).toEqual([]);
  });

  it('has every code that ends a session under its close code, and no other', () => {
    const closing = Object.entries(ERROR_CODES).flatMap(([code, entry]) => ('closeCode' in entry ? [`${code} ${entry.closeCode}`] : []));
    expect(closeRows.toSorted()).toEqual(closing.toSorted());
  });
});
