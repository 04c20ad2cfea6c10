import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { fc } from '../fake/properties.ts';
import { describe, expect, it } from 'vitest';

export interface RuntimeUnderTest {
  readonly runtime: Runtime;
  /** Lets `ms` pass: waits, or moves virtual time. */
  pass(ms: number): Promise<void>;
}

const codeOf = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    if (error instanceof AlcoveError) return error.code;
    throw error;
  }
  return 'nothing thrown';
};

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What everybody may rely on of a Runtime, whatever the platform. */
export function runtimeContract(name: string, make: () => RuntimeUnderTest): void {
  describe(`runtime contract: ${name}`, () => {
    timeContract(make);
    randomContract(make);
    hashContract(make);
    deflateContract(make);
    utf8Contract(make);
  });
}

function timeContract(make: () => RuntimeUnderTest): void {
  it('fires a timer once, not before its delay, and in the order of the delays', async () => {
    const { runtime, pass } = make();
    const startMs = runtime.monotonicMs();
    const fired: [string, number][] = [];
    runtime.setTimer(20, () => fired.push(['late', runtime.monotonicMs() - startMs]));
    runtime.setTimer(5, () => fired.push(['early', runtime.monotonicMs() - startMs]));
    while (fired.length < 2) await pass(5);
    await pass(30);
    expect(fired.map(([label]) => label)).toEqual(['early', 'late']);
    // Platform timers round to whole milliseconds.
    for (const [label, afterMs] of fired) expect(afterMs).toBeGreaterThanOrEqual((label === 'late' ? 20 : 5) - 1);
  });

  it('never fires a cancelled timer, and cancelling again does nothing', async () => {
    const { runtime, pass } = make();
    const fired: string[] = [];
    const timer = runtime.setTimer(1, () => fired.push('cancelled'));
    timer.cancel();
    timer.cancel();
    const other = runtime.setTimer(5, () => fired.push('other'));
    while (!fired.includes('other')) await pass(5);
    other.cancel();
    expect(fired).toEqual(['other']);
  });

  it('does not fire a timer of more than 2^31 ms at once', async () => {
    const { runtime, pass } = make();
    const fired: string[] = [];
    const long = runtime.setTimer(2 ** 31 + 5, () => fired.push('long'));
    runtime.setTimer(10, () => fired.push('short'));
    while (fired.length === 0) await pass(5);
    expect(fired).toEqual(['short']);
    long.cancel();
  });

  it('counts wall time in ms since 1970, and a monotonic time that does not go back', async () => {
    const { runtime, pass } = make();
    expect(runtime.nowMs()).toBeGreaterThan(Date.UTC(2025, 0, 1));
    expect(Number.isInteger(runtime.nowMs())).toBe(true);
    let lastMs = runtime.monotonicMs();
    for (let turn = 0; turn < 5; turn++) {
      await pass(2);
      const nowMs = runtime.monotonicMs();
      expect(nowMs).toBeGreaterThan(lastMs);
      lastMs = nowMs;
    }
  });
}

function randomContract(make: () => RuntimeUnderTest): void {
  it('makes ids of 22 base64url characters that do not repeat', () => {
    const { runtime } = make();
    const ids = Array.from({ length: 2_000 }, () => runtime.newId());
    expect(ids.every((id) => /^[A-Za-z0-9_-]{22}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    // All 128 bits are in use: no position keeps one character.
    for (let position = 0; position < 22; position++) expect(new Set(ids.map((id) => id[position])).size).toBeGreaterThan(3);
  });

  it('makes numbers in [0, 1) that spread', () => {
    const { runtime } = make();
    const numbers = Array.from({ length: 2_000 }, () => runtime.random());
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05); // 7 standard deviations
  });
}

function hashContract(make: () => RuntimeUnderTest): void {
  it.each([
    // RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
    ['0b'.repeat(20), bytesToHex(new TextEncoder().encode('Hi There')), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      bytesToHex(new TextEncoder().encode('Jefe')),
      bytesToHex(new TextEncoder().encode('what do ya want for nothing?')),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      'aa'.repeat(131),
      bytesToHex(new TextEncoder().encode('Test Using Larger Than Block-Size Key - Hash Key First')),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('computes HMAC-SHA-256 (key %s)', (key, message, expected) => {
    const { runtime } = make();
    const mac = runtime.hmacSha256(hexToBytes(key), hexToBytes(message));
    expect(mac.constructor).toBe(Uint8Array);
    expect(bytesToHex(mac)).toBe(expected);
  });
}

function deflateContract(make: () => RuntimeUnderTest): void {
  it('inflates what it deflated', () => {
    const { runtime } = make();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        const deflated = runtime.deflateRaw(bytes);
        expect([...runtime.inflateRaw(deflated, bytes.length)]).toEqual([...bytes]);
      }),
    );
  });

  it('reads raw deflate of others, and deflates repetition well', () => {
    const { runtime } = make();
    // As zlib writes it, with a fixed table.
    expect(text(runtime.inflateRaw(hexToBytes('cb48cdc9c957c8409000'), 100))).toBe('hello hello hello');
    expect(runtime.deflateRaw(new TextEncoder().encode('row '.repeat(1_000))).length).toBeLessThan(100);
  });

  it('stops at the output bound: one byte less than needed is too large, the exact size is not', () => {
    const { runtime } = make();
    for (const size of [1, 1_000, 70_000, 300_000]) {
      const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 7919) >>> 5);
      const deflated = runtime.deflateRaw(bytes);
      expect(runtime.inflateRaw(deflated, size).length).toBe(size);
      expect(codeOf(() => runtime.inflateRaw(deflated, size - 1))).toBe('message_too_large');
    }
  });

  it('gives up on a bomb long before it is unpacked', () => {
    const { runtime } = make();
    const bomb = runtime.deflateRaw(new Uint8Array(64_000_000));
    expect(bomb.length).toBeLessThan(70_000);
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(() => runtime.inflateRaw(bomb, 1_000_000))).toBe('message_too_large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  it('refuses damaged input: nothing, truncated at any byte, an unknown block type, a distance before the start', () => {
    const { runtime } = make();
    const bytes = new TextEncoder().encode(
      JSON.stringify(Array.from({ length: 60 }, (_, index) => ({ id: index, city: `city ${index * 7}` }))),
    );
    const deflated = runtime.deflateRaw(bytes);
    for (let length = 0; length < deflated.length; length++) {
      expect(codeOf(() => runtime.inflateRaw(deflated.subarray(0, length), 1_000_000))).toBe('bad_message');
    }
    expect(codeOf(() => runtime.inflateRaw(Uint8Array.of(0b111, 0, 0), 100))).toBe('bad_message');
    expect(codeOf(() => runtime.inflateRaw(hexToBytes('030202'), 100))).not.toBe('internal');
  });

  it('answers any bytes with bytes within the bound or one of two codes', () => {
    const { runtime } = make();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 5_000 }), (bytes, bytesMax) => {
        try {
          expect(runtime.inflateRaw(bytes, bytesMax).length).toBeLessThanOrEqual(bytesMax);
        } catch (error) {
          if (!(error instanceof AlcoveError)) throw error;
          expect(['bad_message', 'message_too_large']).toContain(error.code);
        }
      }),
      { numRuns: 500 },
    );
  });
}

function utf8Contract(make: () => RuntimeUnderTest): void {
  it('reads back every well-formed text, a byte order mark and NUL included', () => {
    const { runtime } = make();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (string) => {
        expect(runtime.utf8.decode(runtime.utf8.encode(string))).toBe(string);
      }),
    );
    expect(runtime.utf8.decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0))).toBe('\ufeffa\0');
  });

  it.each([
    ['a stray continuation', [0x80]],
    ['a truncated sequence', [0x61, 0xe2, 0x82]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a code point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['0xFF', [0xff]],
  ])('refuses %s', (_name, bytes) => {
    const { runtime } = make();
    expect(codeOf(() => runtime.utf8.decode(Uint8Array.from(bytes)))).toBe('bad_message');
  });
}
