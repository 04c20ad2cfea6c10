import { describe, expect, it } from 'vitest';
import { Gate } from './gate.ts';

describe('the gate', () => {
  it('[RM-7] lets out in the order handed in, when the version is durable, and at once what is durable already', () => {
    const gate = new Gate(3);
    const out: string[] = [];
    gate.after(3, () => out.push('3'));
    gate.after(4, () => out.push('4a'));
    gate.after(4, () => out.push('4b'));
    gate.after(6, () => out.push('6'));
    expect(out).toEqual(['3']);
    gate.durableAt(5);
    expect(out).toEqual(['3', '4a', '4b']);
    gate.durableAt(2);
    expect(gate.durable).toBe(5);
    gate.durableAt(6);
    expect(out.at(-1)).toBe('6');
    expect(gate.waiting).toBe(0);
  });

  it('[RM-7] keeps the order of what is handed in while it lets out', () => {
    const gate = new Gate(0);
    const out: string[] = [];
    gate.after(1, () => {
      out.push('first');
      gate.after(1, () => out.push('third'));
    });
    gate.after(1, () => out.push('second'));
    gate.durableAt(1);
    expect(out).toEqual(['first', 'second', 'third']);
  });

  it('lets nothing out that was abandoned, and refuses what goes back in versions', () => {
    const gate = new Gate(0);
    const out: string[] = [];
    gate.after(2, () => out.push('x'));
    expect(() => gate.after(1, () => undefined)).toThrowError(/after a later one/);
    gate.abandon();
    gate.durableAt(9);
    expect(out).toEqual([]);
  });
});
