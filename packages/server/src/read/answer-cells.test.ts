import { describe, expect, it } from 'vitest';
import { AnswerCells } from './answer-cells.ts';

const bytesOf = (text: string): number => Buffer.byteLength(text);

describe('AnswerCells', () => {
  it('[RD-64] holds as many rows and bytes as it may, counted as they go out', () => {
    const rows = [
      ['é', 1],
      ['b', null],
    ] as const;
    const all = new AnswerCells(2, { rowsMax: 2, bytesMax: 1_000 }, bytesOf);
    expect(rows.map((row) => all.add(row))).toEqual([true, true]);
    expect(all.answer()).toEqual({ cells: '[["é","b"],[1,null]]', rows: 2, truncated: false });
    expect(all.add(rows[0])).toBe(false);
    expect(all.answer()).toEqual({ cells: '[["é","b"],[1,null]]', rows: 2, truncated: true });
    for (let bytesMax = 15; bytesMax < 40; bytesMax += 1) {
      const some = new AnswerCells(2, { rowsMax: 2, bytesMax }, bytesOf);
      const fit = rows.map((row) => some.add(row));
      expect(bytesOf(some.answer().cells)).toBeLessThanOrEqual(bytesMax);
      expect(some.answer().truncated).toBe(fit.includes(false));
    }
  });

  it('[RD-64] refuses a first row that passes the bytes alone', () => {
    const none = new AnswerCells(1, { rowsMax: 2, bytesMax: 20 }, bytesOf);
    expect(() => none.add(['x'.repeat(20)])).toThrow('larger than the 20 bytes');
  });
});
