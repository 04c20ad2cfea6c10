import { describe, expect, it } from 'vitest';
import { CursorMotion, type MapCursor } from './cursor-layer.ts';
import { project } from './projection.ts';

const at = (lon: number, lat = 0): MapCursor[] => [{ sessionId: 's', name: 'Mina', color: 'teal', lon, lat }];

describe('CursorMotion', () => {
  it('shows somebody new at once where they are', () => {
    const motion = new CursorMotion();
    expect(motion.advance(at(10), 16, false)).toBe(false);
    expect(motion.at('s')).toEqual(project({ lon: 10, lat: 0 }));
  });

  it('glides to a new place and comes to rest there', () => {
    const motion = new CursorMotion();
    motion.advance(at(0), 16, false);
    let last = motion.at('s')?.x ?? 0;
    let frames = 0;
    while (motion.advance(at(40), 16, false)) {
      const x = motion.at('s')?.x ?? 0;
      expect(x).toBeGreaterThan(last);
      last = x;
      frames++;
      expect(frames).toBeLessThan(120);
    }
    expect(last).toBeCloseTo(project({ lon: 40, lat: 0 }).x, 5);
  });

  it('crosses the date line the short way', () => {
    const motion = new CursorMotion();
    motion.advance(at(179), 16, false);
    motion.advance(at(-179), 16, false);
    expect(motion.at('s')?.x).toBeGreaterThan(project({ lon: 179, lat: 0 }).x);
  });

  it('jumps for people who asked for less motion', () => {
    const motion = new CursorMotion();
    motion.advance(at(0), 16, true);
    expect(motion.advance(at(40), 16, true)).toBe(false);
    expect(motion.at('s')?.x).toBeCloseTo(project({ lon: 40, lat: 0 }).x, 12);
  });

  it('forgets who has left', () => {
    const motion = new CursorMotion();
    motion.advance(at(0), 16, false);
    motion.advance([], 16, false);
    expect(motion.at('s')).toBeUndefined();
  });
});
