import { AlcoveError } from '@alcove/core/error';
import { checkSessionFilter } from '../../access/session-filter.ts';
import type { ServerSessions } from './alcove-server.ts';
import type { SocketFront } from './socket-front.ts';

const TOLD = {
  unauthenticated: 'the server ended this session; a fresh token is needed',
  forbidden: 'the server ended this session',
} as const;

/** `server.sessions`. */
export const serverSessions = (sockets: Pick<SocketFront, 'sessions' | 'endSessions'>): ServerSessions => ({
  list: async (filter) => {
    checkSessionFilter(filter);
    return sockets.sessions(filter);
  },
  end: async (filter, code = 'unauthenticated') => {
    checkSessionFilter(filter);
    if (!Object.hasOwn(TOLD, code))
      throw new AlcoveError('option_invalid', `sessions end with unauthenticated or forbidden, and not with ${String(code)}`);
    return sockets.endSessions(filter, new AlcoveError(code, TOLD[code]));
  },
});
