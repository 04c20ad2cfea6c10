import type { MutationResult } from '@alcove/core/protocol/server-message';
import type { VersionAck } from '../change-log/change-log.ts';
import type { ClientRow } from './client-rows.ts';
import type { RoomParts } from './room-parts.ts';
import type { Session } from './sessions.ts';

/**
 * What a session has to be told of its mutations when its stream begins at `version`, before the first commit: the rejections it has not said to have
 * heard, and one `duplicate` a client that covers all else handled by then. What later versions settled comes with their commits.
 */
export function resultsAt(parts: RoomParts, session: Session, version: number): MutationResult[] {
  const rows = [...session.clients.keys()].map((clientId) => parts.clients.get(clientId)).filter((row) => row !== null);
  const own = rows.filter(({ groupId, subject }) => groupId === session.groupId && subject === session.subject);
  const later = own.some(({ lastVersion }) => lastVersion > version) ? parts.log.acks(version, parts.log.head.version) : [];
  return own.flatMap((row) => clientResults(parts, session, row, version, later));
}

function clientResults(
  parts: RoomParts,
  session: Session,
  row: ClientRow,
  version: number,
  later: readonly VersionAck[],
): MutationResult[] {
  const { clientId } = row;
  const results = parts.clients
    .rejections(clientId)
    .filter((rejection) => rejection.version <= version)
    .map((rejection): MutationResult => ({ clientId, status: 'rejected', ...rejection }));
  const handled = handledAt(row, later);
  const confirmed = session.clients.get(clientId)?.confirmed ?? 0;
  if (handled > confirmed) results.push({ clientId, mutationId: handled, status: 'duplicate', version });
  return results;
}

/** Highest mutationId handled before the later versions; ids are contiguous, so it is one less than their first. */
function handledAt({ clientId, lastMutationId }: ClientRow, later: readonly VersionAck[]): number {
  const first = later.find(({ ack }) => ack.clientId === clientId);
  return first === undefined ? lastMutationId : first.ack.mutationId - 1;
}

/** Highest mutationId of the client that versions up to `version` handled. */
export function handledBy(parts: RoomParts, row: ClientRow, version: number): number {
  return row.lastVersion <= version ? row.lastMutationId : handledAt(row, parts.log.acks(version, parts.log.head.version));
}

/** Acks as results for those clients that `concerns` has. */
export function resultsOf(acks: readonly VersionAck[], concerns: (clientId: string) => boolean): MutationResult[] {
  return acks
    .filter(({ ack }) => concerns(ack.clientId))
    .map(({ version, ack: { clientId, mutationId, rejected } }) =>
      rejected === null
        ? { clientId, mutationId, status: 'applied', version }
        : { clientId, mutationId, status: 'rejected', version, code: rejected.code, message: rejected.message },
    );
}
