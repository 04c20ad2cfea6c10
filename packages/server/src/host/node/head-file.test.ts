import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HeadFile } from './head-file.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alcove-head-'));
  path = join(directory, 'room.head');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const head = (version: number) => ({ historyId: 'h'.repeat(22), version, hash: version.toString(16).padStart(64, '0') });
const stored = () => {
  const file = new HeadFile(path);
  const read = file.read();
  file.close();
  return read;
};

describe('HeadFile', () => {
  it('[HO-5] gives back the newest head, before and after a new start', () => {
    const file = new HeadFile(path);
    expect(file.read()).toBeNull();
    for (let version = 1; version <= 5; version += 1) {
      file.write(head(version));
      expect(stored()).toEqual(head(version));
    }
    file.close();
    const again = new HeadFile(path);
    again.write(head(2)); // another history may begin below
    expect(again.read()).toEqual(head(2));
    again.close();
    expect(stored()).toEqual(head(2));
  });

  it('[HO-5] a write that tears at any byte leaves the head before it', () => {
    const file = new HeadFile(path);
    file.write(head(1));
    file.write(head(2));
    const before = readFileSync(path);
    file.write(head(3));
    file.close();
    const after = readFileSync(path);
    const changed = [...after.keys()].filter((at) => after[at] !== before[at]);
    expect(changed.length).toBeGreaterThan(10);
    for (const cut of changed.slice(0, -1)) {
      writeFileSync(path, Buffer.concat([after.subarray(0, cut + 1), before.subarray(cut + 1)]));
      expect(stored()).toEqual(head(2));
    }
    writeFileSync(path, after);
    expect(stored()).toEqual(head(3));
  });

  it('[HO-5] says so where nothing can be read', () => {
    const file = new HeadFile(path);
    file.write(head(1));
    file.write(head(2));
    file.close();
    truncateSync(path, 100);
    expect(() => stored()).toThrow(expect.objectContaining({ code: 'file_damaged' }));
  });

  it('leaves nothing beside the file', () => {
    const file = new HeadFile(path);
    file.write(head(1));
    file.close();
    expect(existsSync(`${path}.new`)).toBe(false);
  });
});
