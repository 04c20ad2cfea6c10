import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { SimProcess } from '../world/sim-process.ts';
import { type Cut, Link } from './link.ts';
import type { PipeConditions } from './pipe.ts';
import type { LinkConditions, ServerHandlers } from './link.ts';

/** A server as the network sees it. */
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

  /** @param to Default: the room's server. */
  connect(client: SimProcess, handlers: SocketHandlers, to: Listener = this.#listener): Socket {
    const { weather } = this;
    const server = to.process;
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
      const unreachable = server === null || !server.alive || to.process !== server || fate < weather.hang + weather.refuse;
      if (unreachable) {
        this.#time.setTimer(halfTripMs, () => link.refused());
        return;
      }
      this.#links.push(link);
      server.enter(() => {
        serverHandlers = to.accept(link);
        this.#time.setTimer(halfTripMs, () => link.opened());
      });
    });
    return link.socket();
  }

  /** A process died. Servers that it was connected to hear of it after so long, or never. */
  abandonClient(client: SimProcess, hearsAfterMs: () => number | null): void {
    for (const link of this.openLinks())
      if (link.client === client) link.cut({ clientHearsAfterMs: null, serverHearsAfterMs: hearsAfterMs(), keepUp: true, keepDown: false });
  }

  /** Its newest link is cut. */
  cutClient(client: SimProcess, cut: Cut): void {
    this.openLinks()
      .findLast((link) => link.client === client)
      ?.cut(cut);
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
