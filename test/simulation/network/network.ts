import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { SimProcess } from '../world/sim-process.ts';
import { Link } from './link.ts';
import type { PipeConditions } from './pipe.ts';
import type { LinkConditions, ServerHandlers } from './link.ts';

/** The server as the network sees it. */
export interface Listener {
  /** Null: nobody listens. */
  readonly process: SimProcess | null;
  accept(link: Link): ServerHandlers;
}

/** What new links are like; the injector of faults changes it while the run goes on. */
export interface Weather {
  /** Of attempts to connect, how many come to nothing, and how many never hear an answer. */
  refuse: number;
  hang: number;
  latencyMs: { min: number; max: number };
  /** Rates to draw from; null: unlimited. */
  bytesPerMs: readonly (number | null)[];
}

export const FAIR_WEATHER: Weather = { refuse: 0, hang: 0, latencyMs: { min: 1, max: 20 }, bytesPerMs: [null] };

/** All links of a run. */
export class Network {
  weather: Weather = FAIR_WEATHER;
  readonly #time: VirtualTime;
  readonly #random: Prng;
  readonly #listener: Listener;
  #links: Link[] = [];
  readonly #rates: PipeConditions[] = [];
  #count = 0;

  constructor(time: VirtualTime, random: Prng, listener: Listener) {
    this.#time = time;
    this.#random = random;
    this.#listener = listener;
  }

  /** How many links were ever opened. */
  get opened(): number {
    return this.#count;
  }

  /** From now on every link is fast. One that is silent or cut stays so: nobody repairs those. */
  heal(): void {
    this.weather = FAIR_WEATHER;
    for (const conditions of this.#rates) conditions.bytesPerMs = null;
  }

  openLinks(): Link[] {
    this.#links = this.#links.filter((link) => link.open);
    return this.#links;
  }

  connect(client: SimProcess, handlers: SocketHandlers): Socket {
    const { weather } = this;
    const server = this.#listener.process;
    this.#count += 1;
    const connectionId = `s${this.#count}`;
    let serverHandlers: ServerHandlers | null = null;
    const link = new Link({
      connectionId,
      client,
      server: server ?? client,
      time: this.#time,
      random: this.#random.fork(connectionId),
      conditions: this.#conditions(),
      clientHandlers: handlers,
      serverHandlers: {
        onFrame: (id, frame) => serverHandlers?.onFrame(id, frame),
        onClose: (id, code) => serverHandlers?.onClose(id, code),
      },
    });
    const halfTripMs = this.#latency();
    const fate = this.#random.float();
    if (fate < weather.hang) return link.socket();
    this.#time.setTimer(halfTripMs, () => {
      const unreachable = server === null || !server.alive || this.#listener.process !== server || fate < weather.hang + weather.refuse;
      if (unreachable) {
        this.#time.setTimer(halfTripMs, () => link.refused());
        return;
      }
      this.#links.push(link);
      server.enter(() => {
        serverHandlers = this.#listener.accept(link);
        this.#time.setTimer(halfTripMs, () => link.opened());
      });
    });
    return link.socket();
  }

  #conditions(): LinkConditions {
    const rate = this.#random.pick(this.weather.bytesPerMs);
    const jitter = this.#random.chance(0.3) ? 5 : 1;
    const pipe: PipeConditions = { latencyMs: () => this.#latency() * (this.#random.chance(0.05) ? jitter : 1), bytesPerMs: rate };
    this.#rates.push(pipe);
    return { up: { ...pipe, bytesPerMs: null }, down: pipe };
  }

  #latency(): number {
    const { min, max } = this.weather.latencyMs;
    return min + this.#random.float() * (max - min);
  }
}
