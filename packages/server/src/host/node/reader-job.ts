import type { ErrorBody } from '@alcove/core/error';
import type { ReadAnswer, ReadRequest } from '../../read/replica.ts';
import type { DigestTable, RoomDigest } from '../../read/room-digest.ts';

/** What a reader process is told when it starts. */
export interface ReaderSettings {
  /** A longer text, blob or row ends the read. */
  readonly valueBytesMax: number;
  /** What the process may grow by over what it began with; past it the read ends with its process. */
  readonly heapBytesMax: number;
}

/** A read of one room's file; structured clone keeps blobs as they are. */
export interface ReadJob extends Pick<ReadRequest, 'sql' | 'params' | 'sight' | 'atLeast' | 'bounds'> {
  readonly path: string;
}

/** The digest of one room's file, whole. */
export interface DigestJob {
  readonly path: string;
  readonly digest: readonly DigestTable[];
  readonly bounds: { readonly timeoutMs: number };
}

/** Null: a read of nothing, the way a read goes. */
export type ReaderJob = ReadJob | DigestJob | null;
/** By the job: of a read, of a digest, of nothing. */
export type ReaderAnswer = ReadAnswer | RoomDigest | null;

export type ReaderRequest = { readonly jobId: number; readonly job: ReaderJob };

/**
 * `isSpent`: the process holds on to so much memory that the next read would not have its share; it is to be replaced.
 * `ready`: comes first, once, when the process takes reads.
 */
export type ReaderReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly jobId: number; readonly answer: ReaderAnswer; readonly isSpent: boolean }
  | {
      readonly kind: 'failed';
      readonly jobId: number;
      readonly error: ErrorBody;
      readonly limit: string | undefined;
      readonly isSpent: boolean;
    };

/** The signal a reader process ends itself with where a read outgrew its memory: by it the parent tells that from any other end. Windows knows no signals. */
export const OUTGROWN_SIGNAL = 'SIGUSR2';
