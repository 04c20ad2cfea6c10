import type { DiskTransaction } from './disk.ts';
import type { ImageEntry } from './header.ts';

/** The sum over bytes. */
type Digest = (bytes: Uint8Array) => Promise<string>;

/**
 * An image is written in pieces of this size: the platform copies a piece at once, other tabs' writes come between two, and a piece is checked while the next
 * ones are read.
 */
export const CHUNK_BYTES = 1024 * 1024;

/** An image as a transaction found it, not looked at yet. */
export interface RawImage {
  /** What there was of it, one piece behind the other. */
  readonly bytes: Uint8Array;
  /** Of each piece the sum that it has; null where pieces are missing or of other sizes than they were. */
  readonly sums: readonly Promise<string>[] | null;
}

/** Reads all pieces. Their sums are taken while the transaction goes on, and not waited for. */
export async function readImage(transaction: DiskTransaction, digest: Digest, { slot, chunks, bytes }: ImageEntry): Promise<RawImage> {
  const pieces = Array.from({ length: chunks }, (_, index) => transaction.get('image', [slot, index]));
  // The first that is awaited tells.
  for (const piece of pieces) piece.catch(() => undefined);
  const read = new Uint8Array(bytes);
  const sums: Promise<string>[] = [];
  let at = 0;
  for (const asked of pieces) {
    const piece = await asked;
    if (piece === undefined || at + piece.length > bytes) return { bytes: read, sums: null };
    read.set(piece, at);
    at += piece.length;
    const sum = digest(piece);
    sum.catch(() => undefined); // told by `wholeImage`
    sums.push(sum);
  }
  return { bytes: read, sums: at === bytes ? sums : null };
}

/** The image where it is what was written, to the byte; else null. */
export async function wholeImage(
  digest: Digest,
  { sums: written, sha256 }: ImageEntry,
  { bytes, sums }: RawImage,
): Promise<Uint8Array | null> {
  if (sums === null) return null;
  const found = await Promise.all(sums);
  // Earlier builds wrote no sums of pieces.
  const isWhole = written === undefined ? (await digest(bytes)) === sha256 : found.every((sum, index) => sum === written[index]);
  return isWhole ? bytes : null;
}
