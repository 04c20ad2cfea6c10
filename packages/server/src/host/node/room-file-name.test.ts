import { fc } from '../../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { fileNameOfId, idOfFileName, ROOM_ID } from './room-file-name.ts';

const roomIds = fc.stringMatching(/^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}$/);

describe('room file names', () => {
  it.each([
    ['japan-2027', 'japan-2027'],
    ['Trip', '+trip'],
    ['~a', '+0a'],
    ['a.b', 'a.b'],
    ['a.', 'a+3'],
    ['-x', '+4x'],
    ['CON', '+c+o+n'],
    ['con', '+1con'],
    ['nul.txt', '+1nul.txt'],
    ['console', 'console'],
  ])('[HO-1] %s becomes %s', (id, name) => {
    expect(fileNameOfId(id)).toBe(name);
    expect(idOfFileName(name)).toBe(id);
  });

  it('[HO-1] every id comes back, and no two share a file where case does not count', () => {
    fc.assert(
      fc.property(roomIds, roomIds, (a, b) => {
        const name = fileNameOfId(a);
        expect(idOfFileName(name)).toBe(a);
        expect(name.length).toBeLessThanOrEqual(210);
        expect(name).toMatch(/^[a-z0-9_+][a-z0-9._+-]*$/);
        expect(name).not.toMatch(/\.$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/);
        if (a !== b) expect(fileNameOfId(b)).not.toBe(name);
      }),
    );
  });

  it('[HO-1] the longest ids keep a name that a file system takes', () => {
    const longest = 'A'.repeat(128);
    expect(fileNameOfId(longest).length).toBeLessThanOrEqual(210);
    expect(idOfFileName(fileNameOfId(longest))).toBe(longest);
    expect(fileNameOfId(`${'A'.repeat(127)}a`)).not.toBe(fileNameOfId(longest));
  });

  it('[HO-1] files of nobody are nobody’s', () => {
    for (const name of [
      '',
      '.',
      '..',
      '../x',
      'a/b',
      'Trip',
      'a~1',
      '+2',
      '+2!!',
      '+2aa',
      '+1abc',
      '+',
      'x.',
      '.x',
      'é',
      '+z\0',
      `+2${'a'.repeat(300)}`,
    ])
      expect(idOfFileName(name), name).toBeNull();
  });

  it('[HO-2] ids with path characters are no ids', () => {
    for (const id of ['', '.', '..', '../x', 'a/b', 'a\\b', '.hidden', 'a\0', 'é', 'a b', 'a%2fb', 'a'.repeat(129), 'C:', 'a\n'])
      expect(ROOM_ID.test(id), JSON.stringify(id)).toBe(false);
  });
});
