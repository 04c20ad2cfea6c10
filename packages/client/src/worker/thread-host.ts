import { AlcoveError } from '@alcove/core/error';
import type { SyncEngine } from '../sync/engine-interface.ts';
import type { EngineHandlers, EngineHost, EnginePort, OpenRequest } from './engine-port.ts';
import { performMutations, performOrder, refusedBy } from './perform-order.ts';

/** Makes the engine for a request; the platform's parts (sockets, SQLite, fetch) are its own business. */
export type MakeEngine = (request: OpenRequest, handlers: EngineHandlers) => Promise<SyncEngine>;

/**
 * Engines in this thread: for Node (jobs, tests), where no page has to stay smooth. Nothing ends a runaway query here.
 */
export class ThreadHost implements EngineHost {
  readonly #make: MakeEngine;
  readonly #open = new Set<SyncEngine>();

  constructor(make: MakeEngine) {
    this.#make = make;
  }

  open(request: OpenRequest, handlers: EngineHandlers): EnginePort {
    let ended = false;
    const made = this.#make(request, {
      ...handlers,
      onNotices: (notices) => {
        if (!ended) handlers.onNotices(notices);
      },
    }).then((engine) => {
      this.#open.add(engine);
      if (request.clients.length > 0 || request.mutations.length > 0) engine.adopt(request.clients, request.mutations);
      return engine;
    });
    made.catch((error: unknown) => handlers.onLost({ error: AlcoveError.from(error, 'worker_failed').toBody(), final: true }));
    return {
      mutate: async (mutations) => performMutations(await made, mutations),
      runOnce: async (query) => (await made).runOnce(query),
      serverRead: async (call, read) => (await made).serverRead(call, read),
      tell: (order) => {
        // A failure to make the engine was told above.
        made.then(
          (engine) => {
            const ends = order.type === 'leave' || order.type === 'close';
            try {
              performOrder(engine, order);
            } catch (error) {
              const refused = refusedBy(order);
              const body = AlcoveError.from(error).toBody();
              if (refused === null) {
                // The page opens another engine under the same name: this one must be gone.
                engine.close();
                ended = true;
                this.#open.delete(engine);
                handlers.onLost({ error: body, final: true });
              } else handlers.onNotices([{ type: 'stateRefused', ...refused, error: body }]);
            }
            if (!ends) return;
            ended = true;
            this.#open.delete(engine);
          },
          () => undefined,
        );
      },
    };
  }

  close(): void {
    for (const engine of this.#open) engine.close();
    this.#open.clear();
  }
}
