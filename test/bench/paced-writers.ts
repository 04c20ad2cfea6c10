import { itemAt } from './bench-room.ts';
import { BoardSocket } from './board-socket.ts';
import type { BenchChild } from './child.ts';
import { withDeadline } from './deadline.ts';
import { quantile } from './measure.ts';

export interface Pace {
  readonly mutations: number;
  readonly perSecond: number;
}

/** Times as `performance.now()` has them in this process. */
export interface PushResult {
  readonly version: number;
  readonly sentMs: number;
  readonly atMs: number;
}

/** From a push to its result, in ms, of mutations that users push by turns. */
export async function latenciesMs(writers: readonly Writer[], { mutations, perSecond }: Pace): Promise<number[]> {
  const latencies: Promise<number>[] = [];
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    const sendDue = (): void => {
      const due = Math.min(mutations, Math.floor(((performance.now() - startMs) / 1_000) * perSecond) + 1);
      while (latencies.length < due) {
        const writer = writers[latencies.length % writers.length];
        if (writer !== undefined) latencies.push(writer.push());
      }
      if (latencies.length < mutations) setTimeout(sendDue, 1);
      else resolve();
    };
    sendDue();
  });
  return Promise.all(latencies);
}

export interface WriterFigures {
  /** From a push to its result. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the process that writes, a mutation. */
  readonly cpuMs: number;
}

/** What so many mutations at that pace take of the server and of who waits for them. */
export async function writerFigures(
  server: Pick<BenchChild, 'cpuMs'>,
  writers: readonly Writer[],
  pace: Pace,
  deadlineMs: number,
): Promise<WriterFigures> {
  await server.cpuMs(); // since here
  const latencies = await withDeadline('commits', deadlineMs, latenciesMs(writers, pace));
  return { p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), cpuMs: (await server.cpuMs()) / pace.mutations };
}

/** Somebody who works in the room `team`. */
export class Writer {
  readonly socket: BoardSocket;
  /** Called with each result. */
  onResult: (result: PushResult) => void = () => undefined;
  readonly #index: number;
  readonly #waiting = new Map<number, (result: Omit<PushResult, 'sentMs'>) => void>();
  #mutationId = 0;

  static async join(url: string, index: number): Promise<Writer> {
    const token = JSON.stringify({ sub: `user-${index}` });
    return new Writer(await BoardSocket.join(url, 'team', `client-${index}`, [], { token }), index);
  }

  private constructor(socket: BoardSocket, index: number) {
    this.socket = socket;
    this.#index = index;
    socket.ignoresCommits = true;
    socket.onMessage = (message) => {
      if (message.type !== 'results') return;
      const atMs = performance.now();
      for (const { mutationId, version } of message.results) {
        this.#waiting.get(mutationId)?.({ version, atMs });
        this.#waiting.delete(mutationId);
      }
    };
  }

  /** Resolves when the result is there, with how long it took, in ms. */
  push(): Promise<number> {
    this.#mutationId += 1;
    const mutationId = this.#mutationId;
    const sentMs = performance.now();
    this.socket.push([{ mutationId, name: 'add', args: { ...itemAt(mutationId), id: `${this.#index}-${mutationId}` } }]);
    return new Promise((resolve) => {
      this.#waiting.set(mutationId, ({ version, atMs }) => {
        this.onResult({ version, sentMs, atMs });
        resolve(atMs - sentMs);
      });
    });
  }
}
