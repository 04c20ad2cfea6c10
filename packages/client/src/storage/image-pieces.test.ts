import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { expect, it } from 'vitest';
import type { DiskKey, DiskTransaction } from './disk.ts';
import type { ImageEntry } from './header.ts';
import { readImage, wholeImage } from './image-pieces.ts';

const hexOf = (bytes: Uint8Array): string => bytesToHex(sha256(bytes));
const digest = (bytes: Uint8Array): Promise<string> => Promise.resolve(hexOf(bytes));
const pieces = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6), Uint8Array.of(7)];
const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
const position = { historyId: 'h', version: 1, hash: '', view: '', schemaId: 's' };
const entry: ImageEntry = { slot: 1, position, chunks: 3, bytes: 7, sha256: hexOf(bytes), sums: pieces.map(hexOf) };

/** Of a transaction only what is asked of it here: pieces by their number. */
const transactionOf = (rows: readonly (Uint8Array | undefined)[]): DiskTransaction =>
  ({
    get: (_table: string, key: DiskKey) => Promise.resolve(Array.isArray(key) && key[0] === 1 ? rows[Number(key[1])] : undefined),
  }) as Partial<DiskTransaction> as DiskTransaction;

const checked = async (rows: readonly (Uint8Array | undefined)[], image: ImageEntry = entry): Promise<Uint8Array | null> =>
  wholeImage(digest, image, await readImage(transactionOf(rows), digest, image));

it('[ST-76] pieces that are what was written make up the image', async () => {
  expect(await checked(pieces)).toEqual(bytes);
});

it.each<[string, (Uint8Array | undefined)[]]>([
  ['flipped', [pieces[0], Uint8Array.of(4, 5, 7), pieces[2]]],
  ['missing', [pieces[0], undefined, pieces[2]]],
  ['of another size', [pieces[0], Uint8Array.of(4, 5), pieces[2]]],
  ['longer than the image', [pieces[0], pieces[1], Uint8Array.of(7, 8)]],
  ['of another image', [pieces[1], pieces[0], pieces[2]]],
])('[ST-76] a piece that is %s: there is no image', async (_, rows) => {
  expect(await checked(rows)).toBeNull();
});

it('[ST-76] an image that an earlier build wrote, without sums of its pieces, is checked as a whole', async () => {
  const { sums: _, ...earlier } = entry;
  expect(await checked(pieces, earlier)).toEqual(bytes);
  expect(await checked([pieces[0], Uint8Array.of(4, 5, 7), pieces[2]], earlier)).toBeNull();
});

it('[ST-76] the sum of a piece is asked for before the next one is there', async () => {
  const order: string[] = [];
  const transaction = transactionOf(pieces);
  const { get } = transaction;
  transaction.get = async (table, key) => {
    const row = await get(table, key);
    order.push(`read ${String(Array.isArray(key) ? key[1] : key)}`);
    return row;
  };
  const noting = (piece: Uint8Array): Promise<string> => {
    order.push(`sum of ${piece[0]}`);
    return digest(piece);
  };
  // As a disk does: one answer after the other.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = { ...transaction, get: (...asked: Parameters<typeof get>) => (last = last.then(() => transaction.get(...asked))) };
  await readImage(inTurn as DiskTransaction, noting, entry); // all rows are pieces here
  expect(order.indexOf('sum of 1')).toBeLessThan(order.indexOf('read 2'));
});
