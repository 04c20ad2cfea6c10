import { AlcoveError } from '@alcove/core/error';
import type { EndSignal, ReadAnswer, ReadRequest, Replica, ReplicaLag } from '../../../packages/server/src/read/replica.ts';
import type { RoomDigest } from '../../../packages/server/src/read/room-digest.ts';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { SimProcess } from '../world/sim-process.ts';

/** How requests between two servers fare; the injector of faults changes it while the run goes on. */
export interface Wire {
  /** Of requests, how many come to nothing, and how many never hear an answer. */
  refuse: number;
  hang: number;
  /** One way. */
  latencyMs: { min: number; max: number };
  /** Now and then an answer takes up to so much longer. */
  lateMs: number;
}

export const GOOD_WIRE: Readonly<Wire> = { refuse: 0, hang: 0, latencyMs: { min: 0.5, max: 8 }, lateMs: 0 };

export interface CallParts {
  readonly time: VirtualTime;
  readonly random: Prng;
  readonly wire: Wire;
  /** Who asks. */
  readonly asker: SimProcess;
  /** Who is asked, when the request gets there. */
  server(): SimProcess | null;
  /** How a call that came to nothing is told. */
  failed(why: string): AlcoveError;
}

const LATE_SHARE = 0.1;

/** A request over HTTP and its answer: refused, lost, late, cut off where the other side dies. Nothing is told to who gave it up. */
export function callOverNetwork<T>(parts: CallParts, signal: EndSignal, run: () => Promise<T>): Promise<T> {
  const { time, random, wire, asker } = parts;
  const wayMs = (): number => wire.latencyMs.min + random.float() * (wire.latencyMs.max - wire.latencyMs.min);
  return new Promise<T>((resolve, reject) => {
    let isOver = false;
    const end = (settle: () => void): void => {
      if (isOver) return;
      isOver = true;
      signal.removeEventListener('abort', aborted);
      settle();
    };
    const aborted = (): void => end(() => reject(new AlcoveError('closed', 'nobody waits for the answer any more')));
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    const [fate, resets, isLate] = [random.float(), random.chance(0.7), random.chance(LATE_SHARE)];
    const home = (settle: () => void): void => {
      time.setTimer(wayMs() + (isLate ? random.float() * wire.lateMs : 0), () => asker.enter(() => end(settle)));
    };
    const failed = (why: string): void => home(() => reject(parts.failed(why)));
    if (fate < wire.hang) return;
    time.setTimer(wayMs(), () => {
      const server = parts.server();
      if (server === null || !server.alive || fate < wire.hang + wire.refuse) return failed('the connection was refused');
      if (resets) server.onKilled(() => failed('the connection was reset'));
      server.enter(() => {
        const answered = (settle: () => void): void => {
          if (server.alive) home(settle);
        };
        run().then(
          (value) => answered(() => resolve(value)),
          (error: unknown) => answered(() => reject(AlcoveError.from(error))),
        );
      });
    });
  });
}

/** A process that answers reads, as others find it on the network. */
export interface ReplicaServer {
  readonly process: SimProcess | null;
  /** @throws AlcoveError (as rejection) as Replica.read does */
  answer(request: ReadRequest): Promise<ReadAnswer>;
  lag(): ReplicaLag;
  /** @throws AlcoveError (as rejection) as Replica.digest and Replica.resync do */
  digest(room: ReadRequest['room']): Promise<RoomDigest>;
  resync(room: ReadRequest['room']): Promise<void>;
}

/** A replica on another machine, as the primary holds it. */
export class SimRemote implements Replica {
  readonly id: string;
  readonly dialect = 'sqlite';
  readonly #server: ReplicaServer;
  readonly #parts: CallParts;
  readonly #open = new Set<() => void>();
  #isClosed = false;

  constructor(id: string, server: ReplicaServer, parts: Omit<CallParts, 'server' | 'failed'>) {
    this.id = id;
    this.#server = server;
    this.#parts = {
      ...parts,
      server: () => server.process,
      failed: (why) => new AlcoveError('replica_unavailable', `${id} does not answer: ${why}`),
    };
  }

  read(request: ReadRequest, signal: EndSignal): Promise<ReadAnswer> {
    return this.#call(signal, () => this.#server.answer(request));
  }

  check(signal: EndSignal): Promise<ReplicaLag> {
    return this.#call(signal, async () => this.#server.lag());
  }

  digest(room: ReadRequest['room'], signal: EndSignal): Promise<RoomDigest> {
    return this.#call(signal, () => this.#server.digest(room));
  }

  resync(room: ReadRequest['room']): Promise<void> {
    return this.#call(new AbortController().signal, () => this.#server.resync(room));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const end of [...this.#open]) end();
  }

  async #call<T>(signal: EndSignal, run: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new AlcoveError('closed', 'the replica is closed');
    const source = new AbortController();
    const end = (): void => source.abort();
    this.#open.add(end);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      return await callOverNetwork(this.#parts, source.signal, run);
    } finally {
      this.#open.delete(end);
      signal.removeEventListener('abort', end);
    }
  }
}
