import type { HelloMessage } from '@alcove/core/protocol/client-message';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import { isSameClass } from '../access/view.ts';
import type { ChangeLog } from '../change-log/change-log.ts';

export type HydrationReason = WelcomeMessage['hydration'];

/** Where a replica says it stands. */
export type ResumePoint = NonNullable<HelloMessage['resume']>;

/** What a claim of a client is held against. */
export interface Standing {
  readonly log: ChangeLog;
  readonly historyId: string;
  /** Everything up to here may be told. */
  readonly durable: number;
}

/**
 * Whether the stream can go on where a replica stands (`resume`), else why it needs a fresh snapshot. What a client claims decides about that client
 * alone: one that is ahead of the room, or has another hash, is of a fork (`fork`), whoever of the two is right.
 */
export function hydrationAt(point: Omit<ResumePoint, 'view'>, standing: Standing): HydrationReason {
  const { log, historyId, durable } = standing;
  if (point.historyId !== historyId) return 'history';
  if (point.version > durable) return 'fork';
  const hash = log.hashAt(point.version);
  if (hash !== null && hash !== point.hash) return 'fork';
  if (point.version < log.floor.version) return 'floor';
  return hash === null ? 'fork' : 'resume';
}

/** Whether the room went on in its history without that. */
export const isLost = (point: Omit<ResumePoint, 'view'>, standing: Standing): boolean => hydrationAt(point, standing) === 'fork';

/** As `hydrationAt`, for a hello: a replica of another view or schema is of no use, however current. */
export function hydrationOf(resume: ResumePoint | null, view: string, standing: Standing): HydrationReason {
  if (resume === null) return 'first';
  const reason = hydrationAt(resume, standing);
  if (reason === 'history' || reason === 'fork' || resume.view === view) return reason;
  return isSameClass(resume.view, view) ? 'schema' : 'view';
}
