import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomModel } from '@alcove/core/schema/room-model';
import { PartlyTold } from '../../read/partly-told.ts';
import type { EndSignal, ReadRequest, ReplicaLag } from '../../read/replica.ts';
import { REPLICA_LIMITS, type ResolvedReplica } from '../../read/replica-options.ts';
import type { ReadRouter } from '../../read/read-router.ts';
import { MirrorNames } from '../../mirror/mirror-names.ts';
import type { MirrorAccess } from './mirror-access.ts';
import type { PgPosition } from './pg-position.ts';
import { PgReplica, type PgReplicaOptions } from './pg-replica.ts';

export interface MirrorReadersOptions {
  /** Of the mirror's PostgreSQL primary. */
  readonly url: string;
  readonly prefix: string;
  readonly runtime: Runtime;
  readonly router: ReadRouter;
  /** Where this server stands: the primary's own region, as far as reads are concerned. */
  readonly region: string | null;
  readonly modelOf: (name: string) => RoomModel | undefined;
  /** How far the mirror is behind the rooms; so are all its standbys. */
  readonly mirrorLag?: () => ReplicaLag;
  /** What keeps the mirror from its PostgreSQL; null: nothing that is known of. For whoever runs the server. */
  readonly trouble?: () => string | null;
  /** Has the mirror copy a room anew: its standbys follow. */
  readonly resync?: (room: ReadRequest['room']) => Promise<void>;
}

const RETRY_AFTER_MS = 1_000;

/** The id of the mirror's own primary among the replicas. */
export const MIRROR_PRIMARY = 'mirror';

/**
 * The readers of a server's PostgreSQL mirror: its primary, which stands in, and the replicas that were named. They are behind the router once it is known how to sign in, which the mirror finds out when
 * it first reaches its PostgreSQL; until then nobody answers SQL of that dialect. A mirror that was made anew has another secret: they sign in with that.
 */
export class MirrorReaders {
  readonly #options: MirrorReadersOptions;
  readonly #waiting: ResolvedReplica[] = [];
  readonly #whenOpen = new Set<() => void>();
  /** What was removed from the router may stand here still. */
  readonly #readers = new Set<PgReplica>();
  #access: MirrorAccess | null = null;
  #primary: PgReplica | null = null;

  constructor(options: MirrorReadersOptions) {
    this.#options = options;
  }

  /** Ids that it will have behind the router, and has not yet: nobody else may have them. */
  get waitingIds(): readonly string[] {
    return this.#access === null ? [MIRROR_PRIMARY, ...this.#waiting.map(({ settings }) => settings.id)] : [];
  }

  /** At once, or when the mirror is open. @throws AlcoveError `option_invalid` where its id is taken, or its url names somebody else than the mirror's reader role */
  add(replica: ResolvedReplica): void {
    refuseOtherUser(replica, new MirrorNames(this.#options.prefix).readerRole);
    const access = this.#access;
    if (access === null) this.#waiting.push(replica);
    else this.#open(replica, access);
  }

  /** Each time it is known how to sign in, be it as before. */
  open(access: MirrorAccess): void {
    const before = this.#access;
    this.#access = access;
    if (before !== null) return this.#signIn(before, access);
    const { url, router, region } = this.#options;
    this.#primary = this.#reader({ id: MIRROR_PRIMARY, url, access, user: access.reader, pool: REPLICA_LIMITS.pool.default });
    router.add(this.#primary, {
      id: MIRROR_PRIMARY,
      dialect: 'postgres',
      region,
      weight: 1,
      tier: 0,
      purposes: [],
      concurrencyMax: REPLICA_LIMITS.pool.default,
      isPrimary: true,
    });
    for (const replica of this.#waiting.splice(0)) this.#open(replica, access);
    for (const tell of [...this.#whenOpen]) tell();
  }

  /** Waits until it is known how to sign in. @throws AlcoveError (as rejection) `replica_unavailable` where that takes longer, `closed` where nobody waits any more */
  opened(waitMs: number, signal: EndSignal): Promise<void> {
    if (this.#access !== null) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const over = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', aborted);
        this.#whenOpen.delete(tell);
      };
      const tell = (): void => {
        over();
        resolve();
      };
      const failed = (error: AlcoveError): void => {
        over();
        reject(error);
      };
      const aborted = (): void => failed(new AlcoveError('closed', 'nobody waits for the read any more'));
      const timer = this.#options.runtime.setTimer(waitMs, () => failed(this.#notReached()));
      signal.addEventListener('abort', aborted, { once: true });
      this.#whenOpen.add(tell);
    });
  }

  #signIn(before: MirrorAccess, access: MirrorAccess): void {
    if (before.reader.password === access.reader.password) return;
    for (const reader of this.#readers) if (!reader.signIn(access)) this.#readers.delete(reader);
  }

  #notReached(): AlcoveError {
    const message = 'the mirror has not reached its PostgreSQL yet';
    const trouble = this.#options.trouble?.() ?? null;
    return new PartlyTold(message, trouble === null ? message : `${message}: ${trouble}`, { retryAfterMs: RETRY_AFTER_MS });
  }

  #open({ url, settings, connectTimeoutMs, statementTimeoutMs }: ResolvedReplica, access: MirrorAccess): void {
    const { id, concurrencyMax: pool } = settings;
    const primary = (signal: EndSignal): Promise<PgPosition | null> => this.#head(signal);
    this.#options.router.add(this.#reader({ id, url, access, pool, connectTimeoutMs, statementTimeoutMs, primary }), settings);
  }

  #reader(given: Pick<PgReplicaOptions, 'id' | 'url' | 'access' | 'pool'> & Partial<PgReplicaOptions>): PgReplica {
    const { runtime, modelOf, mirrorLag, resync } = this.#options;
    const { connectTimeoutMs, statementTimeoutMs } = REPLICA_LIMITS;
    const reader = new PgReplica({
      connectTimeoutMs: connectTimeoutMs.default,
      statementTimeoutMs: statementTimeoutMs.default,
      runtime,
      modelOf,
      ...(mirrorLag === undefined ? {} : { mirrorLag }),
      ...(resync === undefined ? {} : { resync }),
      ...given,
    });
    this.#readers.add(reader);
    return reader;
  }

  /** Where the primary stands; null: it cannot be asked. */
  async #head(signal: EndSignal): Promise<PgPosition | null> {
    try {
      return (await this.#primary?.position(signal)) ?? null;
    } catch {
      // That it is down is its own check's to find. A standby that was promoted since is no stranger then.
      return null;
    }
  }
}

/** Rows of one room are shown to that role alone: whoever may do more, as the role of `mirror.url` may, is shown all rooms'. */
function refuseOtherUser({ url, settings }: ResolvedReplica, readerRole: string): void {
  const { username, searchParams } = new URL(url);
  if (['', readerRole].includes(decodeURIComponent(username)) && !searchParams.has('user')) return;
  throw new AlcoveError(
    'option_invalid',
    `replica ${settings.id}: a mirror is read as the role ${readerRole}, and the url names another user`,
    {
      hint: 'Leave user and password out of the url; the mirror knows them.',
    },
  );
}
