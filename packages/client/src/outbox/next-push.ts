import type { PushedMutation } from '@alcove/core/protocol/client-message';
import { type OutboxClient, refuse, VOID_MUTATOR } from './outbox-client.ts';

/** What one push may hold; of the newest welcome. */
export interface PushLimits {
  readonly mutationsMax: number;
  /** Of one mutation. */
  readonly bytesMax: number;
  /** A push that has more is cut in two; one mutation goes alone. */
  readonly batchBytesMax: number;
}

/** The next mutations to push, of one client after the other; null where nothing may go now. They count as sent. `windowMax`: sent and not answered. */
export function nextPush(clients: readonly OutboxClient[], limits: PushLimits, windowMax: number, nowMs: number): PushedMutation[] | null {
  const push: PushedMutation[] = [];
  let bytes = 0;
  const open = clients.filter(({ stopped }) => stopped === null);
  let windowLeft = windowMax - open.reduce((sum, { unanswered }) => sum + unanswered, 0);
  for (const client of open) {
    if (client.pausedUntilMs > nowMs) continue;
    // The wait is over: what still may not go waits for an answer, and no more for a time.
    client.pausedUntilMs = Number.NEGATIVE_INFINITY;
    for (let entry = client.at(client.sent + 1); entry !== undefined; entry = client.at(client.sent + 1)) {
      if (push.length >= limits.mutationsMax || windowLeft <= 0) break;
      if (entry.bytes > limits.bytesMax) refuse(entry, limits.bytesMax);
      const own = entry.refusal === null ? entry.bytes : 0;
      if (push.length > 0 && bytes + own > Math.min(limits.bytesMax, limits.batchBytesMax)) break;
      push.push(entry.refusal === null ? entry.mutation : { ...entry.mutation, name: VOID_MUTATOR, args: null });
      bytes += own;
      windowLeft -= 1;
      client.sent += 1;
    }
  }
  return push.length === 0 ? null : push;
}

/** When the first client that waits out a refusal may push again; null: none waits. */
export function wakeAtMs(clients: readonly OutboxClient[]): number | null {
  let wakeMs: number | null = null;
  for (const client of clients) {
    if (client.stopped !== null || client.sent >= client.lastMutationId || client.pausedUntilMs === Number.NEGATIVE_INFINITY) continue;
    wakeMs = Math.min(wakeMs ?? Number.POSITIVE_INFINITY, client.pausedUntilMs);
  }
  return wakeMs;
}
