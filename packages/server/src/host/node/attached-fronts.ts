import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { AlcoveError } from '@alcove/core/error';
import { pathOf, refuseUpgrade } from './http-answer.ts';

/** What answers at a path, and below it. */
export interface AttachedFront {
  readonly path: string;
  answer(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** What Node hands to the listeners of requests and upgrades. */
type Arguments = [request: IncomingMessage, answer: ServerResponse & Duplex, head: Buffer];

/**
 * All that is attached to one HTTP server of the app's: they take their own paths, whatever listeners that server has or gets, and requests for them reach no listener. Everything else passes
 * untouched. Of two paths of which one lies below the other that one goes first, of two that are the same the newest.
 */
class AttachedFronts {
  readonly #server: HttpServer;
  readonly #emit: HttpServer['emit'];
  readonly #ours: HttpServer['emit'];
  #fronts: readonly AttachedFront[] = [];

  constructor(server: HttpServer) {
    this.#server = server;
    this.#emit = server.emit;
    const [take, emit] = [this.#take.bind(this), server.emit];
    this.#ours = function (this: HttpServer, event: string | symbol, ...args: unknown[]): boolean {
      return take(event, args as Arguments /* looked at only for those three */) || Reflect.apply(emit, this, [event, ...args]);
    } as HttpServer['emit']; // one function for all the overloads
    server.emit = this.#ours;
  }

  add(front: AttachedFront): void {
    // Node asks whether anybody listens for upgrades before it emits one.
    if (this.#fronts.length === 0) this.#server.on('upgrade', unheard);
    this.#fronts = [front, ...this.#fronts].sort((a, b) => b.path.length - a.path.length);
  }

  /** @returns whether this is of no more use. Where somebody has wrapped `emit` since, it stays and lets everything pass. */
  remove(front: AttachedFront): boolean {
    this.#fronts = this.#fronts.filter((other) => other !== front);
    if (this.#fronts.length > 0) return false;
    this.#server.off('upgrade', unheard);
    if (this.#server.emit !== this.#ours) return false;
    this.#server.emit = this.#emit;
    return true;
  }

  #take(event: string | symbol, [request, answer, head]: Arguments): boolean {
    if (this.#fronts.length === 0 || (event !== 'request' && event !== 'upgrade' && event !== 'checkContinue')) return false;
    const path = pathOf(request);
    const front = path === null ? undefined : this.#fronts.find((one) => path === one.path || path.startsWith(`${one.path}/`));
    if (front === undefined) return event === 'upgrade' && this.#refuseUnheard(answer);
    if (event === 'upgrade') front.upgrade(request, answer, head);
    else front.answer(request, answer);
    return true;
  }

  /** Nobody but us listens for upgrades: one that is not ours would hang for ever. */
  #refuseUnheard(socket: Duplex): boolean {
    if (this.#server.listenerCount('upgrade') > 1) return false;
    refuseUpgrade(socket, 404, new AlcoveError('bad_message', 'there is nothing to connect to at this path'));
    return true;
  }
}

const unheard = (): void => undefined;

/** One for each HTTP server, whichever of several servers of the process are attached to it. */
const attached = new WeakMap<HttpServer, AttachedFronts>();

/** Puts `front` in front of the listeners of `server`. Returns what undoes it, in whatever order several are undone. */
export function attachFront(server: HttpServer, front: AttachedFront): () => void {
  const fronts = attached.get(server) ?? new AttachedFronts(server);
  attached.set(server, fronts);
  fronts.add(front);
  return () => {
    if (fronts.remove(front)) attached.delete(server);
  };
}
