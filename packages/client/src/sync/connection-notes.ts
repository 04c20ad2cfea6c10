import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import type { Logger } from '@alcove/core/runtime/logger';
import { isServerFault } from '../connection/connection-end.ts';
import type { ConnectionState } from '../connection/connection-state.ts';

export interface NotedRoom {
  readonly room: string;
  readonly id: string;
  readonly url: string;
}

/**
 * Tells the console, once each, what keeps a tab from its room and does not go by itself: an app that shows no connection state would look as if it loaded for
 * ever. A connection that was lost is no such thing; a server that was never reached is.
 */
export class ConnectionNotes {
  readonly #log: Logger;
  readonly #about: NotedRoom;
  readonly #told = new Set<string>();
  #wasLive = false;

  constructor(log: Logger, about: NotedRoom) {
    this.#log = log;
    this.#about = about;
  }

  /** After every change of the phase. */
  phase(state: ConnectionState): void {
    if (state.phase === 'live') {
      this.#wasLive = true;
      this.#told.clear();
    } else if ('error' in state) this.#ended(state.error, state.phase === 'waiting');
  }

  #ended(error: ErrorBody, isRetried: boolean): void {
    const isOutdated = error.code === 'room_outdated';
    const isUnopened = isRetried && isServerFault(error.code);
    const stands = isOutdated || isUnopened;
    if (isRetried && this.#wasLive && !stands) return;
    // A fresh token is tried first; where that is refused, too, it is told.
    if (isRetried && error.code === 'unauthenticated') return;
    const { room, id, url } = this.#about;
    const code = isRetried && !stands ? 'unreachable' : error.code;
    if (this.#told.has(code)) return;
    this.#told.add(code);
    const { message, hint } = AlcoveError.fromBody(error);
    const fields = { room, id, url, code: error.code, message };
    if (code === 'unreachable') {
      // No developer's business by itself: the network may be away.
      const what = error.code === 'connection_lost' ? message : `${error.code}: ${message}`;
      const why = /[.?!]$/.test(what) ? what : `${what}.`;
      this.#log.info(
        `the room “${room}” (${id}) was not reached${why.includes(url) ? '' : ` at ${url}`}: ${why} It is tried again and again.`,
        fields,
      );
    } else if (isOutdated) {
      this.#log.error(
        `the server at ${url} runs an older build of this app and does not know this schema of the room “${room}” (${id}). Restart the server; the page then goes on by itself.`,
        fields,
      );
    } else if (isUnopened) {
      this.#log.error(
        `the server at ${url} cannot open the room “${room}” (${id}): ${error.code}: ${message}. ${hint} Once it is mended this page goes on by itself, within about a minute.`,
        fields,
      );
    } else if (error.code === 'option_invalid') {
      this.#log.error(`the room “${room}” (${id}) at ${url} is not connected: ${message}. ${hint}`, fields);
    } else this.#log.error(`the room “${room}” (${id}) at ${url} does not let this page in: ${error.code}: ${message}. ${hint}`, fields);
  }
}
