import type { ErrorCode } from '@alcove/core/error';
import { isErrorCode } from '@alcove/core/error';

/** How a version settled one mutation. */
export interface Ack {
  readonly clientId: string;
  readonly mutationId: number;
  /** Null: applied. Else why it was finally rejected. */
  readonly rejected: { readonly code: ErrorCode; readonly message: string } | null;
}

type AckEntry = readonly [clientId: string, mutationId: number, code?: string, message?: string];

/** As the log stores them: `[["c1",7],["c1",8,"constraint_failed","…"]]`. */
export function encodeAcks(acks: readonly Ack[]): string {
  return JSON.stringify(
    acks.map(({ clientId, mutationId, rejected }) =>
      rejected === null ? [clientId, mutationId] : [clientId, mutationId, rejected.code, rejected.message],
    ),
  );
}

export function decodeAcks(text: string): Ack[] {
  const entries = JSON.parse(text) as AckEntry[]; // written by encodeAcks and covered by the hash chain
  return entries.map(([clientId, mutationId, code, message]) => ({
    clientId,
    mutationId,
    rejected: code === undefined ? null : { code: isErrorCode(code) ? code : 'internal', message: message ?? '' },
  }));
}
