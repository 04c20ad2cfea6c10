import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { AlcoveError } from '@alcove/core/error';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { BearerGuard } from './bearer-guard.ts';
import { answerError, answerJson, answerUnauthorized } from './http-answer.ts';
import { Prometheus } from './prometheus.ts';
import type { ReadFleet } from './read-fleet.ts';
import { obeyReplicaOrder } from './replica-order.ts';
import type { ServerMirror } from './server-mirror.ts';
import type { ServerStatus } from './server-status.ts';

export interface AdminEndpointOptions {
  readonly guard: BearerGuard;
  status(): ServerStatus;
  fleet(): ReadFleet;
  mirror(): ServerMirror;
  /** @throws AlcoveError `room_unknown`, `room_id_invalid` */
  readonly find: (room: RoomAddress) => void;
}

/** What a page of the dashboard is made of, by path under `/dashboard`. */
const ASSETS: Readonly<Record<string, { file(): string; readonly type: string }>> = {
  '': { file: () => own('dashboard.html'), type: 'text/html; charset=utf-8' },
  '/dashboard.js': { file: () => own('dashboard.js'), type: 'text/javascript; charset=utf-8' },
  '/figures.js': { file: () => own('dashboard-figures.js'), type: 'text/javascript; charset=utf-8' },
  '/rooms.js': { file: () => own('dashboard-rooms.js'), type: 'text/javascript; charset=utf-8' },
  '/replicas.js': { file: () => own('dashboard-replicas.js'), type: 'text/javascript; charset=utf-8' },
  '/dashboard.css': { file: () => own('dashboard.css'), type: 'text/css; charset=utf-8' },
  '/uplot.js': { file: () => require.resolve('uplot/dist/uPlot.esm.js'), type: 'text/javascript; charset=utf-8' },
  '/uplot.css': { file: () => require.resolve('uplot/dist/uPlot.min.css'), type: 'text/css; charset=utf-8' },
};

const require = createRequire(import.meta.url);
/** Beside the sources and beside what is built of them, equally far up. */
const own = (name: string): string => fileURLToPath(new URL(`../../../assets/${name}`, import.meta.url));

const PAGE_HEADERS = {
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

/**
 * What whoever runs the server looks at: `/status` (JSON), `/metrics` (Prometheus), `/replicas` (who answers reads; by POST also orders about them) and `/dashboard`, a page that shows
 * them. All but the page want the admin token as a bearer token; the page holds nothing and asks for it.
 */
export class AdminEndpoint {
  readonly #options: AdminEndpointOptions;
  readonly #prometheus: Prometheus;
  readonly #assets = new Map<string, Buffer>();

  constructor(options: AdminEndpointOptions) {
    this.#options = options;
    this.#prometheus = new Prometheus(() => options.status());
  }

  /** Whether `path`, below the server's own, is one of these. */
  owns(path: string): boolean {
    return path === '/status' || path === '/metrics' || path === '/replicas' || path === '/dashboard' || path.startsWith('/dashboard/');
  }

  async handle(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isOrder = path === '/replicas' && request.method === 'POST';
    if (!isOrder && request.method !== 'GET' && request.method !== 'HEAD') {
      answerError(response, 405, new AlcoveError('bad_message', `figures are read with GET, not ${request.method}`), {
        allow: 'GET, HEAD',
      });
      return;
    }
    if (path.startsWith('/dashboard')) return this.#page(path.slice('/dashboard'.length), response);
    const refusal = this.#options.guard.refusal(
      request,
      'the figures of a server want its admin token: Authorization: Bearer …',
      'It is the option `admin.token` of createServer.',
    );
    if (refusal !== null) return answerUnauthorized(response, refusal);
    const { fleet, mirror, find } = this.#options;
    if (isOrder) await obeyReplicaOrder({ fleet: fleet(), mirror: mirror(), find }, request, response);
    else if (path === '/status') answerJson(response, 200, this.#options.status());
    else if (path === '/replicas') answerJson(response, 200, this.#options.status().reads);
    else {
      const text = await this.#prometheus.text();
      response.writeHead(200, { 'content-type': this.#prometheus.contentType, 'cache-control': 'no-store' }).end(text);
    }
  }

  close(): void {
    this.#prometheus.close();
  }

  #page(path: string, response: ServerResponse): void {
    const asset = Object.hasOwn(ASSETS, path) ? ASSETS[path] : undefined;
    if (asset === undefined) {
      answerError(response, 404, new AlcoveError('bad_message', 'there is nothing at this path'));
      return;
    }
    const { file, type } = asset;
    const bytes = this.#assets.get(path) ?? readFileSync(file());
    this.#assets.set(path, bytes);
    response.writeHead(200, { ...PAGE_HEADERS, 'content-type': type, 'content-length': bytes.length }).end(bytes);
  }
}
