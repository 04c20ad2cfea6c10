import { describe, expect, it } from 'vitest';
import { sqlKey } from './sql-keys.ts';

const plain = { ctrlKey: false, metaKey: false };

describe('sqlKey', () => {
  it('runs on Enter with Ctrl or Command; Enter alone is a new line', () => {
    expect(sqlKey({ ...plain, key: 'Enter', ctrlKey: true }, false)).toBe('run');
    expect(sqlKey({ ...plain, key: 'Enter', metaKey: true }, true)).toBe('run');
    expect(sqlKey({ ...plain, key: 'Enter' }, false)).toBeNull();
  });

  it('stops on Escape what runs, and nothing else', () => {
    expect(sqlKey({ ...plain, key: 'Escape' }, true)).toBe('stop');
    expect(sqlKey({ ...plain, key: 'Escape' }, false)).toBeNull();
  });
});
