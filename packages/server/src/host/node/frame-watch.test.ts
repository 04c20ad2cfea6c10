import { fc } from '../../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { FrameWatch } from './frame-watch.ts';

interface Frame {
  readonly opcode: number;
  readonly final: boolean;
  readonly length: number;
  readonly masked: boolean;
}

const encode = ({ opcode, final, length, masked }: Frame): Buffer => {
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([0, mask | length])
      : length < 65_536
        ? Buffer.from([0, mask | 126, length >> 8, length & 255])
        : Buffer.from([0, mask | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255]);
  head[0] = (final ? 0x80 : 0) | opcode;
  return Buffer.concat([head, Buffer.alloc((masked ? 4 : 0) + length, 0xff)]);
};

const lengths = fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(65_535, 65_536, 70_000));
const messages = fc.array(
  fc.record({
    parts: fc.array(lengths, { minLength: 1, maxLength: 3 }),
    pings: fc.array(fc.integer({ min: 0, max: 125 }), { maxLength: 2 }),
  }),
  { minLength: 1, maxLength: 4 },
);

describe('FrameWatch', () => {
  it('[HO-14] counts frames and knows what is half, however the bytes are cut', () => {
    fc.assert(
      fc.property(messages, fc.boolean(), fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1 }), (list, masked, cuts) => {
        const watch = new FrameWatch();
        let counted = 0;
        let cut = 0;
        for (const { parts, pings } of list) {
          const frames = parts.flatMap((length, index) => [
            { opcode: index === 0 ? 1 : 0, final: index === parts.length - 1, length, masked },
            ...(index < parts.length - 1 ? pings.map((ping) => ({ opcode: 9, final: true, length: ping, masked })) : []),
          ]);
          const bytes = Buffer.concat(frames.map(encode));
          for (let at = 0; at < bytes.length; ) {
            const size = cuts[cut % cuts.length] ?? 1;
            cut += 1;
            watch.feed(bytes.subarray(at, at + size));
            at += size;
            expect(watch.half).toBe(at < bytes.length);
          }
          const taken = watch.takeCounts();
          expect(taken.messages).toBe(1);
          counted += taken.frames;
        }
        expect(counted).toBe(list.reduce((sum, { parts }) => sum + parts.length, 0));
      }),
      { numRuns: 50 },
    );
  });

  it('[HO-14] a length beyond every limit is half for ever', () => {
    const watch = new FrameWatch();
    watch.feed(Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]));
    watch.feed(Buffer.alloc(100_000));
    expect(watch.half).toBe(true);
  });
});
