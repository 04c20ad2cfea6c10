import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { MirrorNames } from '../../mirror/mirror-names.ts';
import { inTransaction } from './in-transaction.ts';
import type { MirrorConnection } from './mirror-connection.ts';
import { type PgFailure, pgFailure } from './pg-failure.ts';
import { RetiredDefinitions } from './retired-definitions.ts';

export interface MirrorUpkeepPorts {
  readonly names: MirrorNames;
  /** Names of the definitions that are mirrored. */
  readonly mirrored: readonly string[];
  readonly retentionMs: number;
  readonly runtime: Runtime;
  /** What the mirror stands on is not there any more, or somebody else's: it is to be provisioned anew. */
  lost(connection: MirrorConnection, failure: PgFailure): void;
}

const LOOK_MS = 5_000;
/** Nobody waits behind it for longer. */
const LOCK_TIMEOUT_MS = 1_000;

/**
 * What is to be seen to apart from rooms, also while no room moves: whether the schema of before still stands, with the secret that readers sign in with, and whether definitions that are mirrored no more are past their retention.
 */
export class MirrorUpkeep {
  readonly #ports: MirrorUpkeepPorts;
  readonly #retired: RetiredDefinitions;
  #connection: MirrorConnection | null = null;
  #timer: Timer | null = null;
  #toldOf = '';

  constructor(ports: MirrorUpkeepPorts) {
    this.#ports = ports;
    this.#retired = new RetiredDefinitions(ports.names, ports.mirrored);
  }

  /** From now on over this connection, until the next one or `stop`. @param secret As it was provisioned. */
  start(connection: MirrorConnection, secret: Uint8Array): void {
    this.stop();
    this.#connection = connection;
    void this.#look(connection, secret);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#connection = null;
  }

  async #look(connection: MirrorConnection, secret: Uint8Array): Promise<void> {
    try {
      await this.#see(connection, secret);
      this.#toldOf = '';
    } catch (cause) {
      if (this.#connection === connection) this.#failed(connection, pgFailure(cause));
    }
    if (this.#connection === connection) this.#timer = this.#ports.runtime.setTimer(LOOK_MS, () => void this.#look(connection, secret));
  }

  async #see(connection: MirrorConnection, secret: Uint8Array): Promise<void> {
    const { names, retentionMs, runtime } = this.#ports;
    const gone = await inTransaction(await connection.pool.connect(), async (client) => {
      const { rows } = await client.query<{ secret: Uint8Array }>(`SELECT secret FROM ${names.secret}`);
      if (rows[0] === undefined || !Buffer.from(secret).equals(rows[0].secret)) throw changed();
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      return this.#retired.removeDue(client, retentionMs);
    });
    if (gone.length > 0) runtime.log.info('rows of definitions that are mirrored no more are gone', { definitions: gone.join(', ') });
  }

  /** A lock that somebody holds is tried for again; what the connection says is everybody's business. */
  #failed(connection: MirrorConnection, failure: PgFailure): void {
    if (failure.kind === 'server' || failure.kind === 'setup') return this.#ports.lost(connection, failure);
    const { message } = failure.error;
    if (this.#toldOf === message) return;
    this.#toldOf = message;
    this.#ports.runtime.log.error('rows of definitions that are mirrored no more could not be removed; it is tried again', {
      reason: message,
    });
  }
}

const changed = (): AlcoveError => new AlcoveError('option_invalid', 'the mirror’s secret is gone, or another one than it was');
