import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomAccess } from '../access/access.ts';
import type { Session, Sessions } from './sessions.ts';

export interface SessionWatchOptions {
  readonly sessions: Sessions;
  readonly runtime: Pick<Runtime, 'monotonicMs'>;
  readonly idleTimeoutMs: number;
  /** `endSilent` is to be called then, in monotonic ms; an earlier call counts. */
  want(atMs: number): void;
  end(session: Session, error: AlcoveError): void;
}

/** Silence is looked for so many times in an idle timeout. */
const LOOKS = 4;

/** Ends the sessions that were silent for too long and those whose token ran out. */
export class SessionWatch {
  readonly #options: SessionWatchOptions;
  /** Monotonic time at which the first token of a session runs out, perhaps of one that is gone. */
  #accessEndsMs = Number.POSITIVE_INFINITY;

  constructor(options: SessionWatchOptions) {
    this.#options = options;
  }

  /** It is in. */
  began(session: Session): void {
    this.renewed(session, session.access);
    this.#options.want(session.heardMs + this.#options.idleTimeoutMs / LOOKS);
  }

  /** It has these rights from now on. */
  renewed(session: Session, access: RoomAccess): void {
    const { expiresInMs } = access;
    session.access = access;
    session.accessUntilMs = expiresInMs === undefined ? null : this.#options.runtime.monotonicMs() + expiresInMs;
    if (session.accessUntilMs === null) return;
    this.#accessEndsMs = Math.min(this.#accessEndsMs, session.accessUntilMs);
    this.#options.want(session.accessUntilMs);
  }

  /** To be called before anything is done for anybody: whose token has run out has no rights, also where the tick that says so is late. */
  endExpired(): void {
    if (this.#options.runtime.monotonicMs() >= this.#accessEndsMs) this.endSilent();
  }

  endSilent(): void {
    const { sessions, runtime, idleTimeoutMs, want, end } = this.#options;
    const nowMs = runtime.monotonicMs();
    for (const session of [...sessions]) {
      const { heardMs, accessUntilMs } = session;
      if (nowMs - heardMs >= idleTimeoutMs)
        end(session, new AlcoveError('idle_timeout', 'the client has been silent for too long', { limit: 'idleTimeoutMs' }));
      else if (accessUntilMs !== null && nowMs >= accessUntilMs) end(session, new AlcoveError('unauthenticated', 'the token has expired'));
    }
    this.#accessEndsMs = Math.min(...[...sessions].map(({ accessUntilMs }) => accessUntilMs ?? Number.POSITIVE_INFINITY));
    if (sessions.size > 0) want(Math.min(nowMs + idleTimeoutMs / LOOKS, this.#accessEndsMs));
  }
}
