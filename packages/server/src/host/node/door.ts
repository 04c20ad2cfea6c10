import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import type { HostLimits } from './host-limits.ts';

export interface DoorOptions {
  /** Whose it is, for whoever is turned away. */
  readonly host: 'server' | 'follower';
  readonly limits: Pick<HostLimits, 'connectionsMax' | 'connectionsUnwelcomedMax'>;
  readonly runtime: Pick<Runtime, 'random'>;
  readonly meter: LimitMeter;
  /** Sockets that are open, and those among them that are in no room yet. */
  sockets(): { readonly connections: number; readonly arrivals: number };
}

/** After it a client of a stopping host comes again; each waits up to twice as long, so that they do not come all at once. */
const DRAIN_RETRY_MS = 1_000;
const FULL_RETRY_MS = 2_000;

/** Whether a host takes another socket: not past its bounds, and not once it stops. */
export class Door {
  readonly #options: DoorOptions;
  #isClosed = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** For good: the host stops. */
  close(): void {
    this.#isClosed = true;
  }

  /** Why a socket is not let in now, if so. */
  refusal(): AlcoveError | null {
    if (this.#isClosed) return this.draining();
    const { connectionsMax, connectionsUnwelcomedMax } = this.#options.limits;
    const { connections, arrivals } = this.#options.sockets();
    if (connections < connectionsMax && arrivals < connectionsUnwelcomedMax) return null;
    const error = new AlcoveError('overloaded', `${connections} sockets are open, ${arrivals} of them not in a room yet`, {
      retryAfterMs: FULL_RETRY_MS,
      limit: connections < connectionsMax ? 'connectionsUnwelcomedMax' : 'connectionsMax',
    });
    this.#options.meter.saw(error);
    return error;
  }

  /** What whoever is turned away or sent away by a stop is told; another wait each time. */
  draining(): AlcoveError {
    const { host, runtime } = this.#options;
    return new AlcoveError('draining', `the ${host} is stopping`, { retryAfterMs: Math.ceil(DRAIN_RETRY_MS * (1 + runtime.random())) });
  }
}
