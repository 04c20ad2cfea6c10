import type { Server as HttpServer } from 'node:http';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { kindOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import { AdminEndpoint, type AdminEndpointOptions } from './admin-endpoint.ts';
import { BearerGuard } from './bearer-guard.ts';
import type { BuilderPool } from './builder-pool.ts';
import type { DataDir } from './data-dir.ts';
import type { Door } from './door.ts';
import { endpointsOf } from './endpoints.ts';
import { FollowerEndpoint } from './follower-endpoint.ts';
import type { HostImages } from './host-images.ts';
import { HttpFront } from './http-front.ts';
import { ImageEndpoint } from './image-endpoint.ts';
import { boundAddressOf, listen, makeHttpServer, socketOriginOf, stopListening } from './listen.ts';
import { RefusedOrigins } from './refused-origins.ts';
import { type ResolvedServerOptions, resolvePath } from './server-options.ts';
import type { SocketFront } from './socket-front.ts';
import { SqlEndpoint, type SqlEndpointOptions } from './sql-endpoint.ts';

export interface HttpSideOptions {
  readonly server: ResolvedServerOptions;
  readonly dataDir: DataDir;
  readonly pool: BuilderPool;
  readonly images: HostImages;
  readonly runtime: Runtime;
  readonly meter: LimitMeter;
  readonly door: Door;
  readonly sockets: Pick<SocketFront, 'accept' | 'openFor'>;
  /** What whoever brings the admin token is shown. */
  readonly admin: Omit<AdminEndpointOptions, 'guard'>;
  /** A read of whoever runs the server, see SqlEndpoint. */
  readonly read: SqlEndpointOptions['read'];
}

/** The HTTP side of a server: its addresses, on a port of its own or inside HTTP servers of the app, and who answers what below its path. */
export class HttpSide {
  readonly #options: HttpSideOptions;
  readonly #refusedOrigins: RefusedOrigins;
  readonly #images: ImageEndpoint;
  readonly #admin: AdminEndpoint | null;
  readonly #followers: FollowerEndpoint | null;
  readonly #sql: SqlEndpoint | null;
  readonly #detach: (() => void)[] = [];
  #own: HttpServer | null = null;
  #urlOf: () => string | null = () => null;

  constructor(options: HttpSideOptions) {
    const { runtime, images, meter, server } = options;
    this.#options = options;
    this.#refusedOrigins = new RefusedOrigins(runtime.log, runtime);
    this.#images = new ImageEndpoint({ images, limits: server.hostLimits, origins: server.origins, runtime, meter });
    this.#admin = this.#adminEndpoint();
    this.#followers = this.#followerEndpoint();
    this.#sql = this.#sqlEndpoint();
  }

  /** @throws AlcoveError `option_invalid` where it has no address */
  get url(): string {
    const url = this.#urlOf();
    if (url === null)
      throw new AlcoveError('option_invalid', 'the server has no address: give it a port, or attach it to an HTTP server that listens');
    return url;
  }

  /** On the port of the options; does nothing where they name none. @throws AlcoveError `port_in_use` */
  async listen(): Promise<void> {
    const { runtime, server } = this.#options;
    const { port, host, path } = server;
    if (port === null) return;
    const own = makeHttpServer();
    this.#own = own;
    this.#front(path).serve(own);
    await listen(own, port, host);
    this.#urlOf = () => addressOf(own, path);
    runtime.log.info('listening', { url: this.url, address: boundAddressOf(own) });
  }

  attach(server: HttpServer, options: { readonly path?: string } = {}): void {
    if (!isHttpServer(server)) throw new AlcoveError('option_invalid', `server.attach takes an HTTP server, and got ${kindOf(server)}`);
    refuseUnknownKeys('option_invalid', 'server.attach', options, { path: true });
    const path = resolvePath(options.path ?? this.#options.server.path);
    this.#detach.push(this.#front(path).attach(server));
    if (this.#urlOf() === null) this.#urlOf = () => addressOf(server, path);
  }

  /** Nobody new comes over its own port. Resolves once all who came are gone. */
  stopListening(): Promise<void> {
    return this.#own?.listening === true ? stopListening(this.#own) : Promise.resolve();
  }

  /** Whoever is still there on its own port. */
  closeConnections(): void {
    this.#own?.closeAllConnections();
  }

  /** The app's HTTP servers are theirs again. */
  close(): void {
    for (const detach of this.#detach.splice(0)) detach();
    this.#admin?.close();
  }

  #guard(token: string | readonly string[], name: string): BearerGuard {
    const { server, runtime, meter } = this.#options;
    return new BearerGuard({ token, name, limits: server.hostLimits, runtime, meter });
  }

  #adminEndpoint(): AdminEndpoint | null {
    const { server, admin } = this.#options;
    if (server.adminToken === null) return null;
    return new AdminEndpoint({ ...admin, guard: this.#guard(server.adminToken, 'the admin token') });
  }

  #followerEndpoint(): FollowerEndpoint | null {
    const { server, dataDir, pool, sockets } = this.#options;
    const { followerToken, rooms } = server;
    if (followerToken === null) return null;
    return new FollowerEndpoint({
      guard: this.#guard(followerToken, 'the follower token'),
      rooms,
      dataDir,
      pool,
      open: (address, asked, request) => sockets.openFor(address, asked, request),
    });
  }

  /** For whoever runs it. */
  #sqlEndpoint(): SqlEndpoint | null {
    const { server, read } = this.#options;
    const { adminToken, followerToken } = server;
    const tokens = [adminToken, followerToken].filter((token) => token !== null);
    if (tokens.length === 0) return null;
    return new SqlEndpoint({ guard: this.#guard(tokens, 'the admin token or the follower token'), wholeToken: adminToken, read });
  }

  #front(path: string): HttpFront {
    const { server, door, sockets } = this.#options;
    return new HttpFront({
      path,
      origins: server.origins,
      refusedOrigins: this.#refusedOrigins,
      images: this.#images,
      others: endpointsOf([this.#admin, this.#sql]),
      followers: this.#followers,
      messageBytesMax: server.roomLimits.messageBytesMax,
      closeTimeoutMs: server.hostLimits.closeTimeoutMs,
      door,
      opened: (socket, request) => sockets.accept(socket, request),
    });
  }
}

const addressOf = (server: HttpServer, path: string): string | null => {
  const origin = socketOriginOf(server);
  return origin === null ? null : `${origin}${path}`;
};

/** Of Node's, or what wraps one. */
const isHttpServer = (server: unknown): boolean =>
  typeof server === 'object' && server !== null && 'emit' in server && 'listen' in server && 'address' in server;
