import type { ClientMessageOf } from '@alcove/core/protocol/client-message';
import { encodeMessage } from '@alcove/core/protocol/codec';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { SessionFeeds } from '../room/session-feeds.ts';
import type { Session } from '../room/sessions.ts';
import type { Guest } from './guest.ts';

type Feeds = Pick<SessionFeeds<never>, 'follow' | 'rehydrate'>;

/**
 * Tabs that hold an image from before they were welcomed: what was settled in between the primary alone can tell. It is asked with the tab's own word, and its pong comes behind
 * what it told.
 *
 * ```
 * tab  follow ──▶ primary  follow, ping ──▶ results, pong ──▶ (the stream goes on from the image)
 *                                        └▶ rehydrate ──────▶ (rows, as they stand here)
 * ```
 */
export class AskedResults {
  readonly #feeds: Feeds;
  readonly #primary: { relay(connectionId: string, frame: string | Uint8Array): void };
  readonly #runtime: Runtime;

  constructor(feeds: Feeds, primary: { relay(connectionId: string, frame: string | Uint8Array): void }, runtime: Runtime) {
    this.#feeds = feeds;
    this.#primary = primary;
    this.#runtime = runtime;
  }

  /** The tab's replica holds that point. */
  follow(guest: Guest | undefined, session: Session, message: ClientMessageOf<'follow'>, frame: string | Uint8Array): void {
    if (guest === undefined || message.version >= guest.toldFrom) return this.#feeds.follow(session, message);
    guest.follows = message;
    this.#primary.relay(session.connectionId, frame);
    this.#primary.relay(session.connectionId, encodeMessage({ type: 'ping' }, 'json', this.#runtime));
  }

  /** The primary has told all that it was asked for. */
  told(guest: Guest): void {
    const { session, follows } = guest;
    guest.follows = null;
    if (session === null || follows === null) return;
    guest.toldFrom = Math.min(guest.toldFrom, follows.version);
    this.#feeds.follow(session, follows);
  }

  /** Its log does not go back so far; rows as they stand here are new enough. */
  cannotBeTold(guest: Guest): void {
    const { session, follows } = guest;
    guest.follows = null;
    if (session === null || follows === null) return;
    if (session.snapshots.includes('rows')) session.snapshots = ['rows'];
    this.#feeds.rehydrate(session, 'floor');
  }
}
