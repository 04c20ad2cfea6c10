import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { decodeClientMessage, encodeMessage } from './codec.ts';
import {
  decodeRelayWord,
  encodeRelayWord,
  RELAY_OVERHEAD_BYTES,
  RELAY_SESSION_MAX,
  RELAY_WORDS,
  unwrapRelayed,
  wrapRelayed,
} from './relay.ts';

const runtime = new FakeRuntime();
const limits = { messageBytesMax: 1_000 };

describe('relayed frames', () => {
  it.each([1, 255, 65_536, RELAY_SESSION_MAX])('[FO-10] carry a frame of session %d as it came, and its number', (session) => {
    for (const codec of ['json', 'deflate'] as const) {
      const frame = encodeMessage({ type: 'ping', at: 7 }, codec, runtime);
      const wrapped = wrapRelayed(session, frame, runtime);
      expect(wrapped.length - frame.length).toBeLessThanOrEqual(RELAY_OVERHEAD_BYTES);
      const opened = unwrapRelayed(wrapped);
      expect(opened?.session).toBe(session);
      expect(decodeClientMessage(opened?.frame ?? '', runtime, limits)).toEqual({ type: 'ping', at: 7 });
    }
  });

  it('[FO-10] are told from all others, and are no messages of anybody', () => {
    const wrapped = wrapRelayed(3, '{"type":"ping"}', runtime);
    expect(() => decodeClientMessage(wrapped, runtime, limits)).toThrow(expect.objectContaining({ code: 'bad_message' }));
    for (const frame of ['{"type":"ping"}', '', new Uint8Array(), new Uint8Array([2, 0, 0, 0, 1]), new Uint8Array([0, 0, 0, 0, 1, 2])])
      expect(unwrapRelayed(frame)).toBeNull();
  });

  it('[FO-10] hold words of the two servers under number 0, checked like any message', () => {
    const word = { type: 'relayEnd', session: 4, code: 'draining', message: 'bye', retryAfterMs: 5 } as const;
    const opened = unwrapRelayed(encodeRelayWord(word, runtime));
    expect(opened?.session).toBe(RELAY_WORDS);
    expect(decodeRelayWord(opened?.frame ?? new Uint8Array(), runtime, limits)).toEqual(word);
    const said = (text: string) =>
      decodeRelayWord(unwrapRelayed(wrapRelayed(0, text, runtime))?.frame ?? new Uint8Array(), runtime, limits);
    expect(said('{"type":"relayLater"}')).toBeNull();
    for (const wrong of [
      '{"type":"relayLeft","session":0,"clean":true}',
      '{"type":"relayLeft","session":1}',
      '[]',
      'x',
      '{"type":"relayAlive","sessions":[0.5]}',
    ])
      expect(() => said(wrong)).toThrow(expect.objectContaining({ code: 'bad_message' }));
  });
});
