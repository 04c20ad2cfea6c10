import { AlcoveError } from '@alcove/core/error';
import type { PoolClient } from 'pg';
import { cutConnection } from './pg-connections.ts';
import { failureKindOf, wordsOf } from './read-failure.ts';
import { SnapshotRead, type SnapshotScript } from './snapshot-read.ts';

/** What may come in beyond the answer itself: a batch of rows whose JSON is smaller than what PostgreSQL sends of them. */
const BYTES_FACTOR = 8;
const BYTES_BASE = 1_000_000;

/**
 * Runs a script on a client. Where one row is so large that it would fill the memory on its way in, the connection is cut: a row is known only when all of it is here.
 * @param overflown Whether what was read until then is an answer.
 * @throws AlcoveError `result_too_large` where it is none; what the script and PostgreSQL throw.
 */
export async function runOn(
  client: PoolClient,
  script: SnapshotScript,
  bytesMax: number,
  overflown: () => boolean,
): Promise<'whole' | 'cut'> {
  const { stream } = client.connection;
  const most = bytesMax * BYTES_FACTOR + BYTES_BASE;
  let bytes = 0;
  let isOver = false;
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= most || isOver) return;
    isOver = true;
    cutConnection(client);
  };
  stream.on('data', count);
  const read = new SnapshotRead(script);
  try {
    await client.query(read).done;
    return 'whole';
  } catch (error) {
    if (!isOver) throw read.isDecided || failureKindOf(error) === 'ended' ? error : notOpened(error);
    if (overflown()) return 'cut';
    throw new AlcoveError('result_too_large', `one row is larger than the ${bytesMax} bytes of an answer`);
  } finally {
    stream.off('data', count);
  }
}

/** What comes before the read is ours: that it fails says nothing about the read. */
const notOpened = (error: unknown): AlcoveError =>
  error instanceof AlcoveError
    ? error
    : new AlcoveError('replica_unavailable', `the mirror cannot be read: ${wordsOf(error)}`, { cause: error });
