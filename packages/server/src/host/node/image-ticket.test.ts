import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readTicket, signTicket } from './image-ticket.ts';

const key = randomBytes(32);
const ticket = { room: 'trip', id: 'japan', historyId: 'h1', schema: 's1', view: 'v1', version: 12, expiresAtMs: 1000 };
const refused = expect.objectContaining({ code: 'ticket_refused' });

describe('image tickets', () => {
  it('[HO-23] come back whole until their time is over', () => {
    const text = signTicket(ticket, key);
    expect(readTicket(text, key, 1000)).toEqual(ticket);
    expect(() => readTicket(text, key, 1000.1)).toThrow(refused);
  });

  it('[HO-23] are refused when anything in them was changed', () => {
    const text = signTicket(ticket, key);
    for (let at = 0; at < text.length - 1; at += 1) {
      // the last character of base64url has bits that count for nothing
      const other = text[at] === 'A' ? 'B' : 'A';
      expect(() => readTicket(text.slice(0, at) + other + text.slice(at + 1), key, 0), `at ${at}`).toThrow(refused);
    }
    const sum = text.split('.')[1] ?? '';
    for (const changed of [{ id: 'other' }, { version: 11 }, { view: 'all' }, { room: 'x' }, { historyId: 'h2' }, { expiresAtMs: 1e15 }]) {
      const fields = signTicket({ ...ticket, ...changed }, randomBytes(32)).split('.')[0];
      expect(() => readTicket(`${fields}.${sum}`, key, 0)).toThrow(refused);
    }
    for (const foreign of ['', '.', 'a', 'a.b', `.${sum}`, text.slice(0, -5), signTicket(ticket, randomBytes(32))]) {
      expect(() => readTicket(foreign, key, 0), foreign).toThrow(refused);
    }
  });
});
