import { afterEach, describe, expect, it, vi } from 'vitest';
import { createConsoleLogger } from './console-logger.ts';

afterEach(() => vi.restoreAllMocks());

describe('createConsoleLogger', () => {
  it('writes one line an entry, whatever a field holds', () => {
    const lines: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    createConsoleLogger().error('a room failed', { room: 'trip\n2026 info all is well', count: 2, missing: undefined, nothing: null });
    expect(lines).toEqual([
      expect.stringMatching(/^\d{4}-\S+Z error a room failed room="trip\\n2026 info all is well" count=2 nothing=null\n$/),
    ]);
  });

  it('leaves out what is below its level', () => {
    const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    createConsoleLogger('info').debug('detail');
    createConsoleLogger('error').info('listening');
    createConsoleLogger('silent').error('failed');
    expect(write).not.toHaveBeenCalled();
    createConsoleLogger('debug').debug('detail');
    expect(write).toHaveBeenCalledOnce();
  });
});
