import type { MutationResult } from '@alcove/core/protocol/server-message';
import type { Range } from '../change-stream/catch-up.ts';
import { SharedFrame } from '../change-stream/shared-frame.ts';
import type { MadeVersion } from './commit-run.ts';
import type { RoomParts } from './room-parts.ts';
import type { Session } from './sessions.ts';
import { resultsAt, resultsOf } from './settle.ts';

/** What a version settled, ready to be sent. */
export interface SettledBy {
  /** For a session, before the commit of the version; undefined: nothing. */
  of(session: Session): SharedFrame | undefined;
  /** Client groups of which mutations were settled. */
  readonly groups: Iterable<string>;
}

/** How the change stream finds out which results a session has to have before it is told of versions. Asking changes nothing; `told` does. */
export interface Settling<Made> {
  /** Before its stream begins at `version`. */
  at(session: Session, version: number): readonly MutationResult[];
  /** Before a range of the log. */
  within(session: Session, range: Pick<Range, 'to' | 'acks'>): readonly MutationResult[];
  made(made: Made): SettledBy;
  /** The session was sent what it has to have up to `version`. */
  told(session: Session, version: number): void;
}

/** Of the room itself, which has decided them. */
export class RoomSettling implements Settling<MadeVersion> {
  readonly #parts: Pick<RoomParts, 'log' | 'clients' | 'runtime'>;

  constructor(parts: Pick<RoomParts, 'log' | 'clients' | 'runtime'>) {
    this.#parts = parts;
  }

  at(session: Session, version: number): readonly MutationResult[] {
    return resultsAt(this.#parts, session, version);
  }

  within({ takesRecords, groupId }: Session, { acks }: Pick<Range, 'acks'>): readonly MutationResult[] {
    if (takesRecords || acks.size === 0) return [];
    return resultsOf(this.#parts.clients.idsOfGroup(groupId).flatMap((clientId) => acks.get(clientId) ?? []));
  }

  made(made: MadeVersion): SettledBy {
    const groups = new Map<string, MutationResult[]>();
    for (const result of resultsOf(made.acks.map((ack) => ({ version: made.version, ack })))) {
      const groupId = made.groups.get(result.clientId);
      if (groupId === undefined) continue;
      const results = groups.get(groupId) ?? [];
      results.push(result);
      groups.set(groupId, results);
    }
    const frames = new Map(
      [...groups].map(([groupId, results]) => [groupId, new SharedFrame({ type: 'results', results }, this.#parts.runtime)]),
    );
    return { groups: frames.keys(), of: ({ groupId }) => frames.get(groupId) };
  }

  told(): void {}
}
