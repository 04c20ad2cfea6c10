import { exhaustive } from '@alcove/core/error';
import type { ClientStoppedNotice, EngineNotice, EngineStatus } from '../sync/engine-interface.ts';
import type { KeptRoomPlace } from './kept-room-place.ts';
import type { PageMutations } from './page-mutations.ts';
import type { PendingElsewhere } from './pending-elsewhere.ts';
import type { PageQueries } from './page-queries.ts';
import type { RoomStates } from './room-states.ts';

/** Whom the notices of a room's engine concern. */
export interface NoticeTakers {
  readonly queries: Pick<PageQueries, 'hear'>;
  readonly mutations: PageMutations;
  readonly states: Pick<RoomStates, 'hear'>;
  readonly elsewhere: Pick<PendingElsewhere, 'hear'>;
  /** Null where nothing is kept. */
  readonly kept: KeptRoomPlace | null;
  /** The client whose session it is. */
  sessionClientId(): string;
  stopped(notice: ClientStoppedNotice): void;
  status(status: EngineStatus): void;
  /** Another tab would push what these left; without any: what it wanted a moment ago is here now. */
  letGo(clientIds?: readonly string[]): void;
  /** What is kept of the room was removed. */
  forgotten(): void;
}

/** Hands a notice to those it concerns. */
export function takeNotice(notice: EngineNotice, takers: NoticeTakers): void {
  const { queries, mutations, states, kept } = takers;
  switch (notice.type) {
    case 'query':
      return queries.hear(notice);
    case 'settled':
      return mutations.settled(notice);
    case 'rekeyed':
      return mutations.rekeyed(notice);
    case 'attempted':
      return mutations.attempted(notice);
    case 'clientStopped':
      return takers.stopped(notice);
    case 'presence':
    case 'cursors':
    case 'ephemeral':
    case 'value':
    case 'stateRefused':
      return states.hear(notice, takers.sessionClientId());
    case 'stored':
      return mutations.stored(notice);
    case 'adopted':
      mutations.adopted(notice);
      return takers.letGo();
    case 'wanted':
      return takers.letGo(notice.clientIds);
    case 'restored':
      kept?.restored(notice);
      return mutations.restored(notice);
    case 'dismissed':
      return mutations.dismissed(notice);
    case 'elsewhere':
      return takers.elsewhere.hear(notice);
    case 'others':
      return kept?.others(notice);
    case 'kept':
      return kept?.kept(notice);
    case 'forgotten':
      return takers.forgotten();
    case 'status':
      return takers.status(notice.status);
    default:
      return exhaustive(notice);
  }
}
