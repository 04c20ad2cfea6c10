import { ERROR_CODES } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import { endOfWrite, wordsForAbsence, wordsForStop, wordsForWait, wordsForWrite } from './trouble-words.ts';

const codes = Object.keys(ERROR_CODES);
const TECHNICAL = /[a-z]_[a-z]|mutat|schema|dataDir|SQL|heartbeat|socket|protocol/;

describe('words for people', () => {
  it.each(codes)('of %s are no code and no jargon', (code) => {
    const fault = { code, message: 'mutator_failed: the schema of dataDir' };
    const { title, says } = wordsForStop(fault);
    const write = code === 'forbidden' ? '' : wordsForWrite(fault);
    for (const text of [title, says, wordsForAbsence(fault, true), wordsForWait(fault), write]) expect(text).not.toMatch(TECHNICAL);
  });

  it('are the trip’s own where its rules refused something', () => {
    expect(wordsForWrite({ code: 'forbidden', message: 'There is no such city.' })).toBe('There is no such city.');
  });

  it('tell a refusal from a write that nobody knows of', () => {
    expect(['rejected', 'failed', 'unknown'].map((status) => endOfWrite({ status }))).toEqual([
      'not accepted',
      'not done',
      'perhaps not done',
    ]);
  });

  it('know an older page, an older server, and a device without a network', () => {
    expect(wordsForStop({ code: 'update_needed', message: '' }).way).toBe('load');
    expect(wordsForAbsence({ code: 'room_outdated', message: '' }, true)).toMatch(/older version/);
    expect(wordsForAbsence(null, true)).toMatch(/npm start/);
    expect(wordsForAbsence({ code: 'connection_lost', message: '' }, false)).toMatch(/no network/);
  });
});
