import { ERROR_CODES } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import { endOfWrite, wordsForAbsence, wordsForMeanwhile, wordsForStop, wordsForWait, wordsForWrite } from './trouble-words.ts';

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

  it('say in people’s words who lacks the right to do something', () => {
    const words = (message: string) => wordsForWrite({ code: 'forbidden', message });
    expect(words('this user may not run addStop')).toMatch(/^You may view this trip, not change it/);
    expect(words('this user may not change such a row of table notes')).toMatch(/only who wrote it/);
  });

  it('tell a refusal from a write that nobody knows of', () => {
    expect(['rejected', 'failed', 'unknown', 'lost'].map((status) => endOfWrite({ status }))).toEqual([
      'not accepted',
      'not done',
      'perhaps not done',
      'gone again',
    ]);
  });

  it('say of a change that the server had and lost just that, and offer to do it again only where that is offered', () => {
    const fault = { code: 'history_lost', message: '' };
    expect(wordsForWrite(fault)).toBe('The server was put back to an earlier state, and this change, which it had, is gone with it.');
    expect(wordsForWrite(fault, true)).toMatch(/gone with it\. “Try again” does it once more\.$/);
    expect(wordsForWrite({ code: 'room_full', message: '' }, true)).not.toMatch(/Try again/);
  });

  it.each(['forgotten', 'unknown_outcome', 'client_unknown'])('of %s send people to look, and promise nothing', (code) => {
    expect(wordsForWrite({ code, message: '' })).toMatch(/look whether it is there, and do it again if not/i);
  });

  it('promise to keep changes only to those who may make them, and say how many wait', () => {
    expect(wordsForMeanwhile(0, true)).toBe(
      'What you change is kept on this device and sent when the server is back; the budget as long as this page is open.',
    );
    expect(wordsForMeanwhile(0, false)).toBe('What others change is shown when the server is back.');
    expect(wordsForMeanwhile(1, true)).toBe('1 change waits on this device and is sent when the server is back.');
    // Called while the link was still one to edit.
    expect(wordsForMeanwhile(2, false)).toBe('2 changes wait on this device and are sent when the server is back.');
  });

  it('know an older page, an older server, and a device without a network', () => {
    expect(wordsForStop({ code: 'update_needed', message: '' }).way).toBe('load');
    expect(wordsForAbsence({ code: 'room_outdated', message: '' }, true)).toMatch(/older version/);
    expect(wordsForAbsence(null, true)).toMatch(/npm start/);
    expect(wordsForAbsence({ code: 'connection_lost', message: '' }, false)).toMatch(/no network/);
  });
});
