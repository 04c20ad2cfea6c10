import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { AlcoveError } from '@alcove/core/error';
import { RELAY_OVERHEAD_BYTES } from '@alcove/core/protocol/relay';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import { attachFront } from './attached-fronts.ts';
import type { Door } from './door.ts';
import type { Endpoint } from './endpoints.ts';
import { FollowerEndpoint } from './follower-endpoint.ts';
import { answerError, answerJson, originOf, pathOf, refuseUpgrade } from './http-answer.ts';
import type { ImageEndpoint } from './image-endpoint.ts';
import { isLoopbackAddress, isLoopbackName, isOriginAllowed } from './origins.ts';
import type { OriginRule } from './origins.ts';
import type { RefusedOrigins } from './refused-origins.ts';

export interface HttpFrontOptions {
  /** Where sockets are opened and images fetched. */
  readonly path: string;
  readonly origins: OriginRule;
  readonly refusedOrigins: RefusedOrigins;
  readonly images: ImageEndpoint;
  /** What answers other paths below; null: nobody does. */
  readonly others: Endpoint | null;
  /** Null: nobody follows. */
  readonly followers: FollowerEndpoint | null;
  readonly messageBytesMax: number;
  readonly closeTimeoutMs: number;
  readonly door: Pick<Door, 'refusal' | 'isClosed'>;
  /** Absent: ready as long as it does not drain. */
  isReady?(): boolean;
  opened(socket: WebSocket, request: IncomingMessage): void;
}

/** No honest client sends so many pieces of one message. */
const FRAGMENTS_MAX = 1024;
const BUFFERED_CHUNKS_MAX = 4096;

/** Not through a proxy on this machine either, as far as a request shows it. */
export const isOfThisMachine = ({ socket, headers }: IncomingMessage): boolean =>
  isLoopbackAddress(socket.remoteAddress ?? '') &&
  isLoopbackName(headers.host ?? '') &&
  headers['x-forwarded-for'] === undefined &&
  headers['forwarded'] === undefined;

/** Of the address that an offer names. */
const IMAGE_QUERY = /\?image=/;

/**
 * The HTTP side of the host: `<path>` (WebSocket), `<path>?image=…`, `<path>/health` and `/ready`, and what AdminEndpoint has; those also without `<path>` on a server of its own. Everything about a request for a
 * socket is checked before it is granted; who is turned away gets a status and a JSON error.
 */
export class HttpFront {
  readonly #options: HttpFrontOptions;
  readonly #sockets: WebSocketServer;

  constructor(options: HttpFrontOptions) {
    this.#options = options;
    const settings = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.messageBytesMax + RELAY_OVERHEAD_BYTES + 1, // the byte that names the codec, and what a follower puts before it
      maxFragments: FRAGMENTS_MAX, // this and the next two: newer than the types of ws
      maxBufferedChunks: BUFFERED_CHUNKS_MAX,
      closeTimeout: options.closeTimeoutMs,
      autoPong: false, // SocketConnection answers, within a budget
      handleProtocols: () => false as const, // none is ours; a token somebody put there is not echoed
    };
    this.#sockets = new WebSocketServer(settings);
  }

  /** Answers everything on `server`, which is the host's own. */
  serve(server: HttpServer): void {
    server.on('request', (request, response) => this.#answer(request, response, true));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Takes its own paths on a server of the app's, see attachFront. Returns what undoes it. */
  attach(server: HttpServer): () => void {
    return attachFront(server, {
      path: this.#options.path,
      answer: (request, response) => this.#answer(request, response, false),
      upgrade: (request, socket, head) => this.#upgrade(request, socket, head),
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse, alone: boolean): void {
    const { path: root, images, others, followers } = this.#options;
    const path = pathOf(request);
    const below = path === null ? null : path.startsWith(`${root}/`) ? path.slice(root.length) : alone ? path : null;
    if (path === root && IMAGE_QUERY.test(request.url ?? '')) void images.handle(request, response);
    else if (path === root && followers !== null && FollowerEndpoint.owns(request.url ?? ''))
      void followers.handle(request, response).catch(() => response.destroy());
    else if (below === '/ready' && this.#options.isReady?.() === false) answerJson(response, 503, { status: 'behind' });
    else if (below === '/health' || below === '/ready') this.#health(response);
    else if (below !== null && others?.owns(below) === true) void others.handle(below, request, response).catch(() => response.destroy());
    else if (path === root) {
      answerError(response, 426, new AlcoveError('bad_message', 'a WebSocket is opened at this path'), {
        upgrade: 'websocket',
        connection: 'upgrade',
      });
    } else answerError(response, 404, new AlcoveError('bad_message', 'there is nothing at this path'));
  }

  #health(response: ServerResponse): void {
    if (this.#options.door.isClosed) answerJson(response, 503, { status: 'draining' });
    else answerJson(response, 200, { status: 'ok' });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#refusal(request);
    if (refusal !== null) {
      refuseUpgrade(socket, refusal.status, refusal.error);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#options.opened(opened, request));
  }

  #refusal(request: IncomingMessage): { readonly status: number; readonly error: AlcoveError } | null {
    const { path, origins, refusedOrigins, door } = this.#options;
    if (pathOf(request) !== path) return { status: 404, error: new AlcoveError('bad_message', `sockets are opened at ${path}`) };
    if (origins.loopbackOnly && !isOfThisMachine(request)) {
      return {
        status: 403,
        error: new AlcoveError('unauthenticated', 'this server authenticates nobody and therefore lets in this machine only', {
          hint: 'Give createServer an `authenticate`; one that returns {} lets everybody in.',
        }),
      };
    }
    const origin = originOf(request);
    const asked = { origin, host: request.headers.host };
    if (!isOriginAllowed(origins, asked)) {
      refusedOrigins.tell(asked);
      return { status: 403, error: new AlcoveError('origin_refused', `pages of ${origin} may not connect here`) };
    }
    const error = door.refusal();
    return error === null ? null : { status: 503, error };
  }
}
