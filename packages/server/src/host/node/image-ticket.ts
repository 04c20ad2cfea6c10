import { createHmac, timingSafeEqual } from 'node:crypto';
import { AlcoveError } from '@alcove/core/error';
import type { ImageKey } from '../../snapshot/image-cache.ts';

/** The right to fetch one room's image in one view, from one version on. */
export interface ImageTicket extends ImageKey {
  readonly version: number;
  /** By the monotonic time of the process that wrote it, which is the only one that reads it. */
  readonly expiresAtMs: number;
}

type TicketFields = [room: string, id: string, historyId: string, schema: string, view: string, version: number, expiresAtMs: number];

/** `<fields>.<HMAC-SHA-256>`, both base64url. `key` is random and never leaves the process. */
export const signTicket = (ticket: ImageTicket, key: Uint8Array): string => {
  const { room, id, historyId, schema, view, version, expiresAtMs } = ticket;
  const members: TicketFields = [room, id, historyId, schema, view, version, expiresAtMs];
  const fields = Buffer.from(JSON.stringify(members)).toString('base64url');
  return `${fields}.${mac(fields, key).toString('base64url')}`;
};

/** @throws AlcoveError `ticket_refused` for one that was not signed with `key`, or is past its time. Says nothing of why in detail. */
export const readTicket = (text: string, key: Uint8Array, monotonicMs: number): ImageTicket => {
  const [fields = '', sum = ''] = text.split('.');
  const given = Buffer.from(sum, 'base64url');
  const right = mac(fields, key);
  if (given.length !== right.length || !timingSafeEqual(given, right))
    throw new AlcoveError('ticket_refused', 'the ticket is not one of this server');
  // signTicket wrote it: the signature has just been checked.
  const [room, id, historyId, schema, view, version, expiresAtMs] = JSON.parse(Buffer.from(fields, 'base64url').toString()) as TicketFields;
  if (monotonicMs > expiresAtMs) throw new AlcoveError('ticket_refused', 'the ticket has expired');
  return { room, id, historyId, schema, view, version, expiresAtMs };
};

const mac = (fields: string, key: Uint8Array): Buffer => createHmac('sha256', key).update(`alcove image ticket\n${fields}`).digest();
