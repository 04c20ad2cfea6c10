import { AlcoveError } from '../error.ts';

/** What the answer to an image request says of the image, in headers beside its bytes. */
export interface ImageFacts {
  readonly historyId: string;
  /** The image holds exactly the room at this version; the client follows from here. */
  readonly version: number;
  readonly hash: string;
  readonly schema: string;
  readonly view: string;
  /** Bytes of the SQLite file, after Content-Encoding is undone: what progress counts to. */
  readonly bytes: number;
  /** Lower-case hex of the SHA-256 of those bytes. */
  readonly sha256: string;
  /** Rows in all its tables. */
  readonly rows: number;
}

export const IMAGE_HEADERS = {
  historyId: 'x-alcove-history-id',
  version: 'x-alcove-version',
  hash: 'x-alcove-hash',
  schema: 'x-alcove-schema',
  view: 'x-alcove-view',
  bytes: 'x-alcove-image-bytes',
  sha256: 'x-alcove-image-sha256',
  rows: 'x-alcove-image-rows',
} as const satisfies Record<keyof ImageFacts, string>;

export const imageHeaders = (facts: ImageFacts): Record<string, string> => ({
  [IMAGE_HEADERS.historyId]: facts.historyId,
  [IMAGE_HEADERS.version]: String(facts.version),
  [IMAGE_HEADERS.hash]: facts.hash,
  [IMAGE_HEADERS.schema]: facts.schema,
  [IMAGE_HEADERS.view]: facts.view,
  [IMAGE_HEADERS.bytes]: String(facts.bytes),
  [IMAGE_HEADERS.sha256]: facts.sha256,
  [IMAGE_HEADERS.rows]: String(facts.rows),
});

/**
 * `header` gives a response header by name, null where it is missing; in a browser all are missing where the server does not expose them to the page's
 * origin. @throws AlcoveError `snapshot_failed`
 */
export const readImageHeaders = (header: (name: string) => string | null): ImageFacts => {
  const text = (name: string): string => {
    const value = header(name);
    if (value === null) throw new AlcoveError('snapshot_failed', `the answer to the image request has no header ${name}`);
    return value;
  };
  const count = (name: string): number => {
    const value = text(name);
    if (!/^\d{1,15}$/.test(value))
      throw new AlcoveError('snapshot_failed', `the header ${name} of the image is no count: ${value.slice(0, 40)}`);
    return Number(value);
  };
  return {
    historyId: text(IMAGE_HEADERS.historyId),
    version: count(IMAGE_HEADERS.version),
    hash: text(IMAGE_HEADERS.hash),
    schema: text(IMAGE_HEADERS.schema),
    view: text(IMAGE_HEADERS.view),
    bytes: count(IMAGE_HEADERS.bytes),
    sha256: text(IMAGE_HEADERS.sha256),
    rows: count(IMAGE_HEADERS.rows),
  };
};
