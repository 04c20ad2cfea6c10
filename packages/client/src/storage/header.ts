import type { MadeOf, StoredCommit, StoredImage, StoredPosition, StoredSchema } from './storage.ts';
import { isNewerSchema } from './stored-schema.ts';

/** What is kept, told in one row: it is read and written in every transaction that depends on what is there. */
export interface Header {
  readonly groupId: string;
  /** Number of the imager that may write. */
  readonly imager: number;
  readonly image: ImageEntry | null;
  readonly tail: TailEntry;
}

export interface ImageEntry {
  /** Which of the two places of images holds it. */
  readonly slot: 0 | 1;
  readonly position: StoredPosition;
  readonly schema?: StoredSchema;
  readonly chunks: number;
  readonly bytes: number;
  /** Of all of it, as whoever had the image written knew it. */
  readonly sha256: string;
  /** Of each piece; absent: an earlier build wrote it. */
  readonly sums?: readonly string[];
}

/** Up to where the tail reaches; equal to the image's position where it is empty. */
export interface TailEntry {
  readonly version: number;
  readonly hash: string;
  readonly bytes: number;
}

export const emptyHeader = (groupId: string): Header => ({
  groupId,
  imager: 0,
  image: null,
  tail: { version: 0, hash: '', bytes: 0 },
});

/**
 * Which of a turn's commits go on the tail. A range leaves out what came and went in it, so that it does what it says only where it begins at the very end of what is
 * there. `overlap`: one of them begins before that and reaches past it. `fork`: what is there has another hash.
 */
export function admitToTail(
  header: Header,
  historyId: string,
  commits: readonly StoredCommit[],
): { readonly tail: 'appended' | 'gap' | 'other' | 'fork' | 'overlap'; readonly fresh: readonly StoredCommit[] } {
  const { image, tail } = header;
  if (image === null || image.position.historyId !== historyId) return { tail: 'other', fresh: [] };
  let { version, hash } = tail;
  const fresh: StoredCommit[] = [];
  for (const commit of commits) {
    // Of another schema or for another view: readers get other rows of one version.
    if (commit.schema !== image.position.schemaId || (commit.view ?? image.position.view) !== image.position.view)
      return { tail: 'other', fresh: [] };
    const isFork = (commit.to === version && commit.hash !== hash) || (commit.from === version && !mayFollow(hash, commit));
    if (isFork) return { tail: 'fork', fresh: [] };
    if (commit.to <= version) continue;
    if (commit.from > version) return { tail: 'gap', fresh: [] };
    if (commit.from < version) return { tail: 'overlap', fresh: [] };
    fresh.push(commit);
    ({ to: version, hash } = commit);
  }
  return { tail: 'appended', fresh };
}

/** Whether a commit goes on from a state with this hash, as far as it says. */
export const mayFollow = (hash: string, { onto = hash }: StoredCommit): boolean => onto === hash;

/** Where the commits from one of them on, without a gap, can take the place of the end of the tail: its index and where it begins, the latest first. */
export function* placesToCut(
  { image, tail }: Header,
  commits: readonly StoredCommit[],
): Generator<{ readonly index: number; readonly at: number }> {
  const first = image?.position.version ?? Number.POSITIVE_INFINITY;
  for (let index = commits.length - 1; index >= 0; index -= 1) {
    const [commit, next] = [commits[index], commits[index + 1]];
    if (commit === undefined || commit.from < first || (next !== undefined && next.from !== commit.to)) return;
    if (commit.from < tail.version) yield { index, at: commit.from };
  }
}

/** Whether an image may take the place of what is kept: of the same kind and history it has to be newer, and what a newer build wrote is not touched. */
export function mayReplace(header: Header, { position, schema, madeOf }: Pick<StoredImage, 'position' | 'schema' | 'madeOf'>): boolean {
  const { image } = header;
  if (madeOf !== undefined && !isStill(header, madeOf)) return false;
  if (image !== null && isNewerSchema(image.schema, schema)) return false;
  return image === null || !isSameKind(image.position, position) || image.position.version < position.version;
}

/** Whether the tail goes on behind an image of this position. */
export function follows({ image, tail }: Header, position: StoredPosition): boolean {
  return image !== null && isSameKind(image.position, position) && tail.version > position.version;
}

const isStill = ({ image, tail }: Header, { position, version }: MadeOf): boolean =>
  image !== null &&
  isSameKind(image.position, position) &&
  image.position.version === position.version &&
  image.position.hash === position.hash &&
  tail.version <= version;

export const isSameKind = (a: StoredPosition, b: StoredPosition): boolean =>
  a.historyId === b.historyId && a.schemaId === b.schemaId && a.view === b.view;

/** The place that the image is not in. */
export const freeSlot = ({ image }: Header): 0 | 1 => (image?.slot === 0 ? 1 : 0);
