import type { Runtime } from '@alcove/core/runtime/runtime';
import { type DiskTransaction, HEADER_KEY } from './disk.ts';
import type { Header, ImageEntry, TailEntry } from './header.ts';
import { type Sealed, seal, unseal } from './seal.ts';
import type { StoredCommit } from './storage.ts';

export interface WholeTail {
  readonly commits: readonly StoredCommit[];
  /** The last of them, and what they cost. */
  readonly reached: TailEntry;
}

/** As far as it is whole and each commit follows. */
export function wholeTail(runtime: Runtime, image: ImageEntry, rows: readonly Sealed[]): WholeTail {
  const commits: StoredCommit[] = [];
  let { version, hash } = image.position;
  let bytes = 0;
  for (const row of rows) {
    const commit = unseal<StoredCommit>(runtime, row);
    if (commit === undefined) break;
    if (commit.to <= version) continue;
    if (commit.from !== version) break;
    commits.push(commit);
    ({ to: version, hash } = commit);
    bytes += row.text.length;
  }
  return { commits, reached: { version, hash, bytes } };
}

/** Cuts the tail behind its last whole commit: the room sends the others again, and nothing that cannot be read stands in their way. */
export async function mendTail(runtime: Runtime, transaction: DiskTransaction): Promise<void> {
  const [sealed, rows] = await Promise.all([transaction.get('header', HEADER_KEY), transaction.getAll('tail')]);
  const header = unseal<Header>(runtime, sealed);
  if (header === undefined || header.image === null) return;
  const { reached } = wholeTail(runtime, header.image, rows);
  if (reached.version >= header.tail.version) return;
  transaction.delete('tail', { from: reached.version + 1, to: Number.MAX_SAFE_INTEGER });
  transaction.put('header', HEADER_KEY, seal(runtime, { ...header, tail: reached }));
}
