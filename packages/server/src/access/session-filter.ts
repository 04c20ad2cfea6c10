import { AlcoveError } from '@alcove/core/error';
import type { KeysOf } from '@alcove/core/unknown-keys';
import { refuseUnknownKeys } from '@alcove/core/unknown-keys';

/** Which sessions: those that fit all that is given. At least one has to be. */
export interface SessionFilter {
  /** `sub` of the claims; null: of those who have none. */
  readonly user?: string | null;
  /** Name of the room's definition. */
  readonly room?: string;
  /** The room's id. */
  readonly id?: string;
  /** As others see it beside a presence, and its own page in `status.sessionId`. */
  readonly session?: string;
}

/** One connection that is in a room. */
export interface SessionFacts {
  /** `sub` of its claims; null where they have none. */
  readonly user: string | null;
  /** Name and id of the room. */
  readonly room: string;
  readonly id: string;
  /** The session's id, see `SessionFilter`. */
  readonly session: string;
}

/** One that is about to be in, and has no session yet. */
export type ArrivalFacts = Omit<SessionFacts, 'session'> & { readonly session: null };

const SESSION_FILTER: KeysOf<SessionFilter> = { user: true, room: true, id: true, session: true };

/**
 * Refuses what would fit everybody by a slip: no criterion at all, or one that is undefined, as in `{ user: claims?.sub }`.
 * @throws AlcoveError `option_invalid`
 */
export function checkSessionFilter(filter: SessionFilter): void {
  refuseUnknownKeys('option_invalid', 'the filter of sessions', filter, SESSION_FILTER);
  const given = Object.entries(filter);
  if (given.length === 0) throw new AlcoveError('option_invalid', 'the filter of sessions names none of user, room, id and session');
  const wrong = given.find(([name, wanted]) => typeof wanted !== 'string' && !(name === 'user' && wanted === null));
  if (wrong !== undefined)
    throw new AlcoveError('option_invalid', `${wrong[0]} of the filter of sessions has to be a text, and is ${String(wrong[1])}`);
}

export const fitsFilter = (filter: SessionFilter, facts: SessionFacts | ArrivalFacts): boolean =>
  (filter.user === undefined || filter.user === facts.user) &&
  (filter.room === undefined || filter.room === facts.room) &&
  (filter.id === undefined || filter.id === facts.id) &&
  (filter.session === undefined || filter.session === facts.session);

/**
 * Ends of sessions that were ordered while somebody was being let in, or a fresh token verified: what was found out about them may be older than that order.
 *
 * ```
 * begin → … authenticate, authorize, open the room … → refusal → end
 * ```
 */
export class SessionEnds {
  readonly #watches = new Set<{ readonly filter: SessionFilter; readonly error: AlcoveError }[]>();

  add(filter: SessionFilter, error: AlcoveError): void {
    for (const watch of this.#watches) watch.push({ filter, error });
  }

  /** Remembers what is ordered from here on, until `end`. `refusal`: with what those are to be ended who have turned out to be that. */
  begin(): { refusal(facts: ArrivalFacts): AlcoveError | null; end(): void } {
    const orders: { readonly filter: SessionFilter; readonly error: AlcoveError }[] = [];
    this.#watches.add(orders);
    return {
      refusal: (facts) => orders.find(({ filter }) => fitsFilter(filter, facts))?.error ?? null,
      end: () => this.#watches.delete(orders),
    };
  }
}
