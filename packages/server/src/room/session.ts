import { exhaustive } from '@alcove/core/error';

/**
 * Where a session stands towards the change stream. Pure: the room feeds what happened and performs the effects.
 *
 * ```
 *          image ──followed──▶ behind ◀──full socket── live
 *          rows ──snapshotSent──▶ │ ──caught up──▶ live
 *            ▲────── rehydrate ───┘
 * ```
 */
export type SessionState =
  /** An image was offered; the client says `follow` once it has loaded it. */
  | { readonly phase: 'image' }
  /** A row snapshot is sent or waits for its turn. */
  | { readonly phase: 'rows' }
  /** Told everything up to `sent`, less than the room's durable head; caught up from the log as the socket drains. */
  | { readonly phase: 'behind'; readonly sent: number; readonly stuckSinceMs: number | null; readonly bufferedBytes: number }
  /** Gets each commit as it becomes durable. */
  | { readonly phase: 'live'; readonly sent: number }
  | { readonly phase: 'ended' };

export type SessionEvent =
  /** The stream goes on after `sent`, which the replica holds. */
  | { readonly type: 'stream'; readonly sent: number; readonly head: number }
  | { readonly type: 'hydrate'; readonly by: 'image' | 'rows' }
  /** A version became durable; `bufferedBytes` with its frame already counted. */
  | { readonly type: 'committed'; readonly version: number; readonly bufferedBytes: number; readonly nowMs: number }
  /** Time to look at the socket of a session that is behind. */
  | { readonly type: 'polled'; readonly bufferedBytes: number; readonly nowMs: number }
  | { readonly type: 'rangeSent'; readonly to: number; readonly head: number }
  | { readonly type: 'end' };

export type SessionEffect =
  | { readonly do: 'sendCommit' }
  /** Send the next range after `sent`, then say `rangeSent`. */
  | { readonly do: 'sendRange'; readonly sent: number }
  /** Say `polled` again soon. */
  | { readonly do: 'poll' }
  | { readonly do: 'closeForBacklog'; readonly limit: 'subscriberBacklogBytesHard' | 'subscriberBacklogMsMax' };

export interface BacklogBounds {
  readonly subscriberBacklogBytesMax: number;
  readonly subscriberBacklogBytesHard: number;
  readonly subscriberBacklogMsMax: number;
}

export interface Step {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

const ENDED: SessionState = { phase: 'ended' };

const stay = (state: SessionState): Step => ({ state, effects: [] });

/** What waits after an event; an ended session stays ended. */
export function nextSession(state: SessionState, event: SessionEvent, bounds: BacklogBounds): Step {
  if (state.phase === 'ended') return stay(state);
  switch (event.type) {
    case 'stream':
      return stream(event.sent, event.head);
    case 'hydrate':
      return stay({ phase: event.by });
    case 'committed':
      return committed(state, event, bounds);
    case 'polled':
      return polled(state, event, bounds);
    case 'rangeSent':
      return state.phase === 'behind' ? stream(event.to, event.head) : stay(state);
    case 'end':
      return stay(ENDED);
    default:
      return exhaustive(event);
  }
}

function stream(sent: number, head: number): Step {
  if (sent >= head) return stay({ phase: 'live', sent });
  return { state: { phase: 'behind', sent, stuckSinceMs: null, bufferedBytes: 0 }, effects: [{ do: 'poll' }] };
}

function committed(state: SessionState, event: SessionEvent & { type: 'committed' }, bounds: BacklogBounds): Step {
  if (state.phase !== 'live') return stay(state);
  if (event.bufferedBytes <= bounds.subscriberBacklogBytesMax) {
    return { state: { phase: 'live', sent: event.version }, effects: [{ do: 'sendCommit' }] };
  }
  const behind: SessionState = { phase: 'behind', sent: state.sent, stuckSinceMs: event.nowMs, bufferedBytes: event.bufferedBytes };
  return { state: behind, effects: [{ do: 'poll' }] };
}

const closeFor = (limit: 'subscriberBacklogBytesHard' | 'subscriberBacklogMsMax'): Step => ({
  state: ENDED,
  effects: [{ do: 'closeForBacklog', limit }],
});

/** A socket that drains at all, however slowly, is waited for; one that stands still is given up after a while, one too full at once. */
function polled(state: SessionState, event: SessionEvent & { type: 'polled' }, bounds: BacklogBounds): Step {
  if (state.phase !== 'behind') return stay(state);
  const { bufferedBytes, nowMs } = event;
  if (bufferedBytes > bounds.subscriberBacklogBytesHard) return closeFor('subscriberBacklogBytesHard');
  if (bufferedBytes <= bounds.subscriberBacklogBytesMax / 2) {
    return { state: { ...state, stuckSinceMs: null, bufferedBytes }, effects: [{ do: 'sendRange', sent: state.sent }] };
  }
  const drained = bufferedBytes < state.bufferedBytes;
  const stuckSinceMs = drained ? nowMs : (state.stuckSinceMs ?? nowMs);
  if (nowMs - stuckSinceMs >= bounds.subscriberBacklogMsMax) return closeFor('subscriberBacklogMsMax');
  return { state: { ...state, stuckSinceMs, bufferedBytes }, effects: [{ do: 'poll' }] };
}
