/** What somebody may do in a trip: change it, or look at it. */
export type Role = 'edit' | 'look';

/** What opens one trip. The key to edit has the key to look inside, so that whoever may edit can hand out both; nobody makes the first of the second. */
export interface TripKey {
  readonly role: Role;
  /** As links have it behind `#`: `edit.E.L` or `look.L`. */
  readonly text: string;
}

/** Characters of each part: 16 bytes in base64url. */
const PART = '[A-Za-z0-9_-]{22}';
const KEY = new RegExp(`^(?:(edit)\\.${PART}|look)\\.(${PART})$`);

/** Null for what is no key. Whether it opens anything only the server knows. */
export function tripKeyFrom(text: string): TripKey | null {
  const found = KEY.exec(text);
  return found === null ? null : { role: found[1] === 'edit' ? 'edit' : 'look', text };
}

export const editKey = (edit: string, look: string): TripKey => ({ role: 'edit', text: `edit.${edit}.${look}` });
export const lookKey = (look: string): TripKey => ({ role: 'look', text: `look.${look}` });

/** The key to look, of any key. */
export const lookKeyIn = ({ text }: TripKey): TripKey => lookKey(text.slice(text.lastIndexOf('.') + 1));

/** What a page says first on its socket: who its visitor is, and by which key they come into which trip. */
export const tokenOf = (visitorSecret: string, tripId: string, key: TripKey): string => `${visitorSecret} ${tripId} ${key.text}`;

export interface SaidToken {
  readonly visitorSecret: string;
  readonly tripId: string;
  readonly key: TripKey | null;
}

/** Null for what no page says. */
export function tokenFrom(text: string): SaidToken | null {
  const [, visitorSecret = '', tripId = '', key = ''] = /^([a-z0-9]{20,64}) ([A-Za-z0-9._~-]{1,128}) (\S{1,128})$/.exec(text) ?? [];
  return visitorSecret === '' ? null : { visitorSecret, tripId, key: tripKeyFrom(key) };
}
