import { AlcoveError } from '@alcove/core/error';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { History } from '../oracle/history.ts';
import type { Registry } from '../oracle/registry.ts';
import type { Findings } from '../world/findings.ts';
import type { RoomHost } from './room-host.ts';

export interface CallSurroundings {
  readonly host: RoomHost;
  readonly history: History;
  readonly registry: Registry;
  readonly findings: Findings;
  readonly time: VirtualTime;
}

interface Call {
  readonly key: string;
  readonly element: string;
  readonly list: string;
  settled: boolean;
}

/** Jobs of the server's own code: each appends under an idempotency key, and is called again until it hears that it is done. */
export class ServerCalls {
  readonly #world: CallSurroundings;
  readonly #random: Prng;
  readonly #calls: Call[] = [];

  constructor(world: CallSurroundings, random: Prng) {
    this.#world = world;
    this.#random = random;
  }

  get open(): number {
    return this.#calls.filter(({ settled }) => !settled).length;
  }

  /** Makes one. */
  call(): void {
    const key = `job-${this.#calls.length + 1}`;
    const call: Call = { key, element: key, list: this.#random.pick(['l1', 'l2']), settled: false };
    this.#calls.push(call);
    const mutation = {
      clientId: `$key:${key}`,
      mutationId: 1,
      name: 'appendPlain',
      args: { list: call.list, value: call.element },
      seed: key,
      nowMs: 0,
    };
    this.#world.registry.add({ mutation, user: null });
    this.#attempt(call);
  }

  /** What the last server did not answer is called again. */
  serverStarted(): void {
    for (const call of this.#calls) if (!call.settled) this.#attempt(call);
  }

  judge(): void {
    const { findings, history } = this.#world;
    for (const { key, settled } of this.#calls) {
      const fate = history.fateOf(`$key:${key}`, 1);
      findings.check(
        !settled || fate?.rejected === null || history.wasLost(`$key:${key}`, 1),
        'I1',
        () => `the server's own ${key} was answered, and the log says ${fate?.rejected?.code ?? 'nothing of it'}`,
      );
    }
  }

  #attempt(call: Call): void {
    const { host, findings } = this.#world;
    const { process, room } = host;
    if (process === null || room === null) return;
    process.enter(() => {
      room.mutate({ name: 'appendPlain', args: { list: call.list, value: call.element }, user: null, idempotencyKey: call.key }).then(
        () => {
          if (host.process !== process) return;
          call.settled = true;
          findings.check(
            (this.#world.history.fateOf(`$key:${call.key}`, 1)?.version ?? Infinity) <= this.#world.history.durable,
            'I13',
            () => `${call.key} was answered before it was durable`,
          );
        },
        (error: unknown) => this.#failed(call, AlcoveError.from(error)),
      );
      // Now and then a second one at the same time, as an impatient caller does.
      if (this.#random.chance(0.2))
        room
          .mutate({ name: 'appendPlain', args: { list: call.list, value: call.element }, user: null, idempotencyKey: call.key })
          .catch(() => undefined);
    });
  }

  #failed(call: Call, error: AlcoveError): void {
    const { findings, time } = this.#world;
    const again = error.retryable || error.code === 'unknown_outcome' || error.code === 'closed';
    if (!again) return findings.report('I1', `the server's own ${call.key} was rejected: ${error.code} ${error.message}`);
    time.setTimer(this.#random.int(20, 300), () => {
      if (!call.settled) this.#attempt(call);
    });
  }
}
