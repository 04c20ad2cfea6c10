import { describe, expect, it } from 'vitest';
import { Schedule } from './schedule.ts';

describe('schedule', () => {
  it('asks for the earliest step only, and again for what is left after a tick', () => {
    const asked: number[] = [];
    const schedule = new Schedule<'a' | 'b' | 'c'>((atMs) => asked.push(atMs));
    schedule.want('a', 100);
    schedule.want('b', 200);
    schedule.want('c', 50);
    schedule.want('a', 300);
    expect(asked).toEqual([100, 50]);
    expect(schedule.take(100)).toEqual(['c', 'a']);
    schedule.settle();
    expect(asked).toEqual([100, 50, 200]);
    schedule.want('a', 150);
    expect(asked.at(-1)).toBe(150);
    expect(schedule.take(120)).toEqual([]);
    schedule.settle();
    expect(asked.at(-1)).toBe(150);
  });
});
