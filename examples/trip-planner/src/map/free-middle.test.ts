import { describe, expect, it } from 'vitest';
import { freeMiddle, isFree } from './free-middle.ts';

const PHONE = { width: 390, height: 400 };
const CARD = { left: 12, top: 260, right: 378, bottom: 388 };

describe('freeMiddle', () => {
  it('is the middle of the view where nothing covers it', () => {
    expect(freeMiddle(PHONE, [])).toEqual({ x: 195, y: 200 });
    expect(freeMiddle(PHONE, [{ left: 500, top: 0, right: 600, bottom: 50 }])).toEqual({ x: 195, y: 200 });
  });

  it('lies above a card at the foot, and beside one at the side', () => {
    expect(freeMiddle(PHONE, [CARD])).toEqual({ x: 195, y: 130 });
    expect(freeMiddle({ width: 1000, height: 600 }, [{ left: 640, top: 40, right: 960, bottom: 240 }])).toEqual({ x: 320, y: 300 });
  });

  it('keeps clear of several at once, and is the middle where they leave nothing', () => {
    expect(freeMiddle(PHONE, [CARD, { ...CARD, top: 120, bottom: 240 }])).toEqual({ x: 195, y: 60 });
    expect(freeMiddle(PHONE, [{ left: -1, top: -1, right: 400, bottom: 400 }])).toEqual({ x: 195, y: 200 });
  });
});

describe('isFree', () => {
  it('asks for air to edges and covers', () => {
    expect(isFree({ x: 195, y: 130 }, PHONE, [CARD], 28)).toBe(true);
    expect(isFree({ x: 195, y: 240 }, PHONE, [CARD], 28)).toBe(false);
    expect(isFree({ x: 195, y: 300 }, PHONE, [CARD], 28)).toBe(false);
    expect(isFree({ x: 10, y: 130 }, PHONE, [CARD], 28)).toBe(false);
  });
});
