import type { MutationResult } from '@alcove/core/protocol/server-message';
import type { VersionAck } from '../change-log/change-log.ts';
import type { ClientRow } from './client-rows.ts';
import type { RoomParts } from './room-parts.ts';
import type { Session } from './sessions.ts';

/** Versions whose results are told one by one where a stream begins; what a longer wait for a snapshot left behind is covered by `duplicate`. */
const SINCE_VERSIONS_MAX = 1_000;

/**
 * What a session has to be told of its mutations when its stream begins at `version`, before the first commit: the rejections it has not said to have
 * heard, one `duplicate` a client that covers all else handled by the version it was welcomed at, and then each result of its group since, as the log has
 * it: nobody has told it of those while its snapshot was on its way. What later versions settled comes with their commits.
 */
export function resultsAt(parts: Pick<RoomParts, 'log' | 'clients'>, session: Session, version: number): MutationResult[] {
  const { log, clients } = parts;
  const from = Math.min(version, Math.max(session.owedFrom, log.floor.version, version - SINCE_VERSIONS_MAX));
  const rows = ownRows(parts, session, session.clients.keys());
  const handled = handledBy(parts, rows, from);
  const before = rows.flatMap(({ clientId }) => clientResults(parts, session, clientId, handled.get(clientId) ?? 0, from));
  if (from === version) return before;
  const group = new Set(clients.idsOfGroup(session.groupId));
  return [...before, ...resultsOf(log.acks(from, version).filter(({ ack }) => group.has(ack.clientId)))];
}

/** Whether all that was settled after that version can be told one by one, each with its own version. */
export const reachesResultsOf = ({ log }: Pick<RoomParts, 'log'>, version: number, head: number): boolean =>
  version >= Math.max(log.floor.version, head - SINCE_VERSIONS_MAX);

/** What the room remembers of these clients, of those that belong to the session's group and user. */
export function ownRows({ clients }: Pick<RoomParts, 'clients'>, { groupId, subject }: Session, clientIds: Iterable<string>): ClientRow[] {
  return [...clientIds].flatMap((clientId) => {
    const row = clients.get(clientId);
    return row !== null && row.groupId === groupId && row.subject === subject ? [row] : [];
  });
}

function clientResults(
  parts: Pick<RoomParts, 'clients'>,
  session: Session,
  clientId: string,
  handled: number,
  version: number,
): MutationResult[] {
  const confirmed = session.clients.get(clientId)?.confirmed ?? 0;
  const results = parts.clients
    .rejections(clientId)
    .filter((rejection) => rejection.version <= version && rejection.mutationId > confirmed)
    .map((rejection): MutationResult => ({ clientId, status: 'rejected', ...rejection }));
  if (handled > confirmed) results.push({ clientId, mutationId: handled, status: 'duplicate', version });
  return results;
}

/** Highest mutationId of each client that versions up to `version` handled: ids are contiguous, so it is one less than the first of the later ones. */
export function handledBy({ log }: Pick<RoomParts, 'log'>, rows: readonly ClientRow[], version: number): Map<string, number> {
  const later = rows.filter(({ lastVersion }) => lastVersion > version).map(({ clientId }) => clientId);
  const firsts = log.firstSettledAfter(version, later);
  return new Map(rows.map(({ clientId, lastMutationId }) => [clientId, (firsts.get(clientId) ?? lastMutationId + 1) - 1]));
}

/** Acks as results, in their order. */
export const resultsOf = (acks: readonly VersionAck[]): MutationResult[] =>
  acks.map(({ version, ack: { clientId, mutationId, rejected } }) =>
    rejected === null
      ? { clientId, mutationId, status: 'applied', version }
      : { clientId, mutationId, status: 'rejected', version, code: rejected.code, message: rejected.message },
  );
