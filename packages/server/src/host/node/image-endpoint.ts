import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AlcoveError } from '@alcove/core/error';
import { imageHeaders, IMAGE_HEADERS } from '@alcove/core/protocol/image-headers';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import type { ImageLease } from '../../snapshot/image-cache.ts';
import type { HostImages } from './host-images.ts';
import type { HostLimits } from './host-limits.ts';
import { answerError, originOf } from './http-answer.ts';
import { readTicket } from './image-ticket.ts';
import type { ImageTicket } from './image-ticket.ts';
import { isOriginAllowed } from './origins.ts';
import type { OriginRule } from './origins.ts';

export interface ImageEndpointOptions {
  readonly images: Pick<HostImages, 'cache' | 'ticketKey'>;
  readonly limits: Pick<HostLimits, 'imageDownloadsMax' | 'imageStallTimeoutMs'>;
  readonly origins: OriginRule;
  readonly runtime: Runtime;
  readonly meter: LimitMeter;
}

/**
 * GET of an image by ticket. The bytes are gzipped once, when the image is built, and streamed from its file; a reader that takes no gzip gets them inflated
 * on the way. The answer is the reader's own (`private`) and asked about anew each time: unchanged, it comes out of the browser's cache (304).
 */
export class ImageEndpoint {
  readonly #options: ImageEndpointOptions;
  #downloads = 0;

  constructor(options: ImageEndpointOptions) {
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const cors = this.#cors(request);
    if (cors === null) {
      answerError(response, 403, new AlcoveError('origin_refused', `pages of ${originOf(request)} may not fetch images here`));
      return;
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(204, {
        ...cors,
        'access-control-allow-methods': 'GET, HEAD',
        'access-control-allow-headers': 'authorization',
        'access-control-max-age': '600',
      });
      response.end();
      return;
    }
    try {
      await this.#answer(request, response, cors);
    } catch (cause) {
      const error = AlcoveError.from(cause, 'snapshot_failed');
      this.#options.meter.saw(error);
      if (response.headersSent) response.destroy();
      else answerError(response, statusOf(error), withoutDetail(error), cors);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, cors: Record<string, string>): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new AlcoveError('bad_message', `an image is fetched with GET, not ${request.method}`);
    const ticket = this.#ticket(request);
    const { images, limits } = this.#options;
    if (this.#downloads >= limits.imageDownloadsMax)
      throw new AlcoveError('overloaded', `${this.#downloads} images are being sent`, { retryAfterMs: 2000, limit: 'imageDownloadsMax' });
    this.#downloads += 1;
    let lease: ImageLease | null = null;
    try {
      lease = await images.cache.lease(ticket, ticket.version);
      await this.#send(request, response, lease, cors);
    } finally {
      this.#downloads -= 1;
      lease?.release();
    }
  }

  async #send(request: IncomingMessage, response: ServerResponse, lease: ImageLease, cors: Record<string, string>): Promise<void> {
    const gzip = takesGzip(request);
    const etag = `"${lease.facts.sha256.slice(0, 32)}${gzip ? '-gzip' : ''}"`;
    const headers = {
      ...cors,
      ...imageHeaders(lease.facts),
      etag,
      vary: 'Origin, Authorization, Accept-Encoding',
      'cache-control': 'private, no-cache',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/vnd.sqlite3',
    };
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end();
      return;
    }
    const body = {
      ...headers,
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
      'content-length': gzip ? lease.storedBytes : lease.facts.bytes,
    };
    if (request.method === 'HEAD') {
      response.writeHead(200, body).end();
      return;
    }
    const file = createReadStream(lease.file, { highWaterMark: 256 * 1024 });
    await opened(file); // before the answer says 200
    response.writeHead(200, body);
    response.setTimeout(this.#options.limits.imageStallTimeoutMs, () => {
      this.#options.meter.met('imageStallTimeoutMs');
      response.destroy();
    });
    await (gzip ? pipeline(file, response) : pipeline(file, createGunzip(), response));
  }

  #ticket(request: IncomingMessage): ImageTicket {
    const [, text] = /^Bearer ([\w.-]+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (text === undefined)
      throw new AlcoveError('ticket_refused', 'the request has no ticket: send Authorization: Bearer <ticket of the welcome message>');
    return readTicket(text, this.#options.images.ticketKey, this.#options.runtime.monotonicMs());
  }

  /** Headers for the page's origin; null where that may not. */
  #cors(request: IncomingMessage): Record<string, string> | null {
    const origin = originOf(request);
    if (!isOriginAllowed(this.#options.origins, { origin, host: request.headers.host })) return null;
    if (origin === undefined) return {};
    return {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': ['content-length', 'etag', ...Object.values(IMAGE_HEADERS)].join(', '),
      vary: 'Origin',
    };
  }
}

/** Of an Accept-Encoding header, whose members may come with weights: gzip, or anything. */
const takesGzip = (request: IncomingMessage): boolean => {
  const members = String(request.headers['accept-encoding'] ?? '').split(',');
  const weight = (name: string): boolean | undefined => {
    const member = members.map((one) => one.trim().toLowerCase().split(';')).find(([coding]) => coding === name);
    return member === undefined ? undefined : !member.slice(1).some((part) => /^\s*q=0(?:\.0*)?\s*$/.test(part));
  };
  return weight('gzip') ?? weight('*') ?? false;
};

const opened = (file: ReturnType<typeof createReadStream>): Promise<void> =>
  new Promise((resolve, reject) => {
    file.once('ready', resolve).once('error', reject);
  });

const statusOf = (error: AlcoveError): number => {
  if (error.code === 'ticket_refused') return 401;
  return error.code === 'bad_message' ? 405 : 503;
};

/** Paths and SQLite's words stay here, in the log; the reader gets what helps it. */
const withoutDetail = (error: AlcoveError): AlcoveError => {
  if (error.code === 'ticket_refused' || error.code === 'bad_message' || error.code === 'overloaded') return error;
  return new AlcoveError('snapshot_failed', 'the image could not be built', { retryAfterMs: 1000 });
};
