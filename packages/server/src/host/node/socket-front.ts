import type { IncomingMessage } from 'node:http';
import { AlcoveError, ERROR_CODES, type ErrorCode } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { WebSocket } from 'ws';
import { userIdOf } from '../../access/access.ts';
import type { RoomAccess } from '../../access/access.ts';
import { admit, mayDo, readHello } from '../../access/front.ts';
import type { Gatekeeper } from '../../access/front.ts';
import { fitsFilter, SessionEnds } from '../../access/session-filter.ts';
import type { SessionFacts, SessionFilter } from '../../access/session-filter.ts';
import { TokenRenewals } from '../../access/token-renewals.ts';
import type { Renewal } from '../../access/token-renewals.ts';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import type { RoomAddress, RoomDirectory, UseMode } from '../../room/room-directory.ts';
import { BearerToken } from './bearer-token.ts';
import type { Door } from './door.ts';
import type { AskingTab } from './follower-endpoint.ts';
import { gatekeeperOf } from './gatekeeper.ts';
import { originOf } from './http-answer.ts';
import type { HostedRoom } from './hosted-room.ts';
import { isOriginKnown } from './origins.ts';
import { RelayFront } from './relay-front.ts';
import type { ConnectionInfo, ResolvedServerOptions } from './server-options.ts';
import type { ConnectionHandlers, HostConnection } from './host-connection.ts';
import { type Arrival, SocketArrivals } from './socket-arrivals.ts';

export interface SocketFrontOptions {
  readonly server: ResolvedServerOptions;
  readonly directory: RoomDirectory<HostedRoom>;
  readonly runtime: Runtime;
  readonly meter: LimitMeter;
  readonly door: Pick<Door, 'refusal'>;
}

/** Sockets from their first byte to their room: hello, who is it, may they, in. Deadlines of all of them. */
export class SocketFront {
  readonly #options: SocketFrontOptions;
  readonly #arrivals: SocketArrivals<ConnectionInfo>;
  /** Fresh tokens of connections that brought any. */
  readonly #renewals = new Map<string, TokenRenewals>();
  readonly #infos = new Map<string, ConnectionInfo>();
  readonly #ends = new SessionEnds();
  /** Null: nobody follows. */
  readonly #followerToken: BearerToken | null;
  #hasToldUnreadToken = false;

  constructor(options: SocketFrontOptions) {
    this.#options = options;
    const { followerToken, hostLimits } = options.server;
    this.#followerToken = followerToken === null ? null : new BearerToken(followerToken);
    this.#arrivals = new SocketArrivals<ConnectionInfo>({
      limits: hostLimits,
      runtime: options.runtime,
      meter: options.meter,
      letIn: (arrival, frame) => void this.#letIn(arrival, frame),
      ended: (connectionId) => this.#ended(connectionId),
    });
  }

  /** Sockets, and tabs at followers, each of which is one as far as limits and closing go. */
  get connections(): number {
    return this.#arrivals.connections;
  }

  get sockets(): number {
    return this.#arrivals.sockets;
  }

  get arrivals(): number {
    return this.#arrivals.size;
  }

  accept(socket: WebSocket, request: IncomingMessage): void {
    const info = this.#infoOf(request);
    this.#infos.set(this.#arrivals.accept(socket, request, info).id, info);
  }

  /** A fresh token on a running session. */
  renewAccess(room: HostedRoom, connectionId: string, token: string): void {
    const info = this.#infos.get(connectionId);
    if (info === undefined) return;
    const known = this.#renewals.get(connectionId);
    const renewals = known ?? new TokenRenewals((newest) => this.#renew(room, connectionId, info, newest), this.#options.runtime);
    if (known === undefined) this.#renewals.set(connectionId, renewals);
    renewals.add(token);
  }

  /** Everybody who is in a room, those of the filter. */
  sessions(filter: SessionFilter): SessionFacts[] {
    return [...this.#options.directory.openRooms()]
      .flatMap((room) => room.sessions().filter((session) => fitsFilter(filter, session)))
      .map(({ user, room, id, session }) => ({ user, room, id, session }));
  }

  /** Ends them, and with the same error whoever is about to come in and turns out to be one of them; those are not counted. */
  endSessions(filter: SessionFilter, error: AlcoveError): number {
    this.#ends.add(filter, error);
    let ended = 0;
    for (const room of [...this.#options.directory.openRooms()]) {
      for (const session of room.sessions()) {
        if (!fitsFilter(filter, session)) continue;
        room.disconnect(session.connectionId, error);
        ended += 1;
      }
    }
    return ended;
  }

  async #renew(room: HostedRoom, connectionId: string, info: ConnectionInfo, token: string): Promise<Renewal> {
    const ends = this.#ends.begin();
    try {
      if (!this.#infos.has(connectionId)) return { kind: 'over' };
      const access = await admit(token, this.#gatekeeper(room.address, info));
      this.#checkOrders(ends, access, room.address);
      room.renewAccess(connectionId, access);
      return { kind: 'done' };
    } catch (cause) {
      const error = AlcoveError.from(cause);
      // Nobody can say now whether it is good; the one before it is, for as long as it lasts.
      if (error.retryable) return this.#renewLater(error);
      room.disconnect(connectionId, error);
      return { kind: 'over' };
    } finally {
      ends.end();
    }
  }

  #renewLater({ code, message, retryAfterMs }: AlcoveError): Renewal {
    this.#options.runtime.log.info('a fresh token cannot be verified now and is looked at again later', { code, reason: message });
    return { kind: 'later', retryAfterMs };
  }

  /** @throws what such sessions were ended with while it was found out who this is. */
  #checkOrders(ends: ReturnType<SessionEnds['begin']>, { claims }: RoomAccess, address: RoomAddress): void {
    const refusal = ends.refusal({ user: userIdOf(claims), room: address.name, id: address.id, session: null });
    if (refusal !== null) throw refusal;
  }

  /** Turns away those that are in no room yet. */
  refuseArrivals(error: () => AlcoveError): void {
    this.#arrivals.refuseAll(error);
  }

  /** Cuts whoever is left, and stops looking at deadlines. */
  terminate(): void {
    this.#arrivals.terminate();
  }

  #ended(connectionId: string): void {
    this.#renewals.get(connectionId)?.end();
    this.#renewals.delete(connectionId);
    this.#infos.delete(connectionId);
  }

  async #letIn(arrival: Arrival<ConnectionInfo>, frame: string | Uint8Array): Promise<void> {
    const { server, runtime } = this.#options;
    const { connection } = arrival;
    const ends = this.#ends.begin();
    connection.hold();
    try {
      const { hello, definition } = readHello(frame, server.rooms, runtime);
      const address = { name: definition.name, id: hello.id };
      const gatekeeper = this.#gatekeeper(address, arrival.info);
      // Who comes through a follower is a user, whatever they bring.
      const isFollower = !connection.isRelayed && hello.token !== null && this.#followerToken?.is(hello.token) === true;
      if (!isFollower && hello.token !== null) this.#tellUnreadToken();
      const access = isFollower ? FOLLOWER : await admit(hello.token, gatekeeper);
      await this.#enter(address, gatekeeper, access, (room) => {
        if (!this.#arrivals.has(connection.id)) return; // gone, or turned away meanwhile
        this.#checkOrders(ends, access, address);
        room.join(connection, hello, access, (own) => (isFollower ? this.#relayFor(connection, arrival.info, room, own) : own));
        this.#arrivals.taken(connection.id);
        for (const early of arrival.early ?? []) room.receive(connection.id, early);
      });
    } catch (cause) {
      const error = AlcoveError.from(cause);
      if (error.code === 'internal')
        runtime.log.error('a hello could not be answered', {
          connectionId: connection.id,
          reason: AlcoveError.from(error.cause ?? error).message,
        });
      if (this.#arrivals.has(connection.id)) this.#arrivals.refuse(connection, error);
    } finally {
      ends.end();
      connection.release();
    }
  }

  /** Into a room that is there, or into one that is made, where the server makes rooms for who joins and this user may. */
  async #enter(
    address: RoomAddress,
    gatekeeper: Gatekeeper,
    { claims, isFollower = false }: RoomAccess,
    join: (room: HostedRoom) => void,
  ): Promise<void> {
    const { server, directory } = this.#options;
    const enter = (mode: UseMode): Promise<void> =>
      directory.use(address, mode, join).catch((cause: unknown) => {
        throw withoutDetail(AlcoveError.from(cause));
      });
    if (isFollower) return enter('followed');
    if (server.createOnJoin && server.authorize === null) return enter('any');
    try {
      return await enter('existing');
    } catch (cause) {
      if (!server.createOnJoin || AlcoveError.from(cause).code !== 'room_unknown') throw cause;
      // Who may open it and not make it learns what everybody learns where only `rooms.create` makes rooms.
      if (!(await mayDo(claims, { kind: 'create' }, gatekeeper))) throw cause;
    }
    return enter('any');
  }

  /** Whoever sends one believes that it counts. */
  #tellUnreadToken(): void {
    const { server, runtime } = this.#options;
    if (server.authenticate !== null || this.#hasToldUnreadToken) return;
    this.#hasToldUnreadToken = true;
    runtime.log.info(
      'a client brought a token, which is not looked at: give createServer an `authenticate`, or leave `auth` out of the client',
    );
  }

  #gatekeeper(address: RoomAddress, info: ConnectionInfo): Gatekeeper {
    return gatekeeperOf(this.#options.server, this.#options.runtime, address, info);
  }

  /** Browsers send cookies along whoever's page asks: they are an app's to rely on only where the page is known not to be a stranger's. */
  #infoOf(request: IncomingMessage): ConnectionInfo {
    const origin = originOf(request);
    const { cookie, ...others } = request.headers;
    const isKnown = isOriginKnown(this.#options.server.origins, { origin, host: request.headers.host });
    const headers = cookie !== undefined && isKnown ? { ...others, cookie } : others;
    return { remoteAddress: request.socket.remoteAddress ?? '', origin, headers };
  }

  /** From here on the socket carries sessions of the follower's tabs as well. */
  #relayFor(link: HostConnection, info: ConnectionInfo, room: HostedRoom, own: ConnectionHandlers): ConnectionHandlers {
    const { runtime, server, meter } = this.#options;
    return new RelayFront(link, {
      runtime,
      meter,
      own,
      limits: server.hostLimits,
      messageBytesMax: server.roomLimits.messageBytesMax,
      refuses: (isLocal) => this.#refusesRelayed(isLocal),
      arrived: (connection, { address, origin }) => {
        const seen = { ...info, relayed: { remoteAddress: address, origin } };
        this.#infos.set(connection.id, seen);
        this.#arrivals.add(connection, seen);
      },
      ended: (connectionId) => this.#arrivals.ended(connectionId),
      heard: (connectionId) => room.heard(connectionId),
    });
  }

  /** Opens a room as for a tab that says hello to a follower of it. @throws AlcoveError what the tab is refused with */
  async openFor(
    address: RoomAddress,
    { token, address: remoteAddress, origin, isLocal }: AskingTab,
    request: IncomingMessage,
  ): Promise<void> {
    const refusal = this.#refusesRelayed(isLocal);
    if (refusal !== null) throw refusal;
    const info = { ...this.#infoOf(request), relayed: { remoteAddress, origin } };
    const gatekeeper = this.#gatekeeper(address, info);
    await this.#enter(address, gatekeeper, await admit(token, gatekeeper), () => undefined);
  }

  /** What turns away a socket turns away who comes through a follower. */
  #refusesRelayed(isLocal: boolean): AlcoveError | null {
    if (this.#options.server.origins.loopbackOnly && !isLocal)
      return new AlcoveError('unauthenticated', 'this server authenticates nobody and therefore lets in its own machine only');
    return this.#options.door.refusal();
  }
}

/** It reads, and does nothing in the room. */
const FOLLOWER: RoomAccess = { claims: null, isFollower: true, allows: () => false };

/** Not about the room's file. */
const SAID_AS_IT_IS: ReadonlySet<ErrorCode> = new Set(['room_unknown', 'draining', 'unauthenticated', 'forbidden']);

/** As much of it as a page may know. */
const UNOPENED: Partial<Record<ErrorCode, string>> = {
  schema_mismatch: 'the server cannot open this room: its file does not fit its definition',
  migration_failed: 'the server cannot open this room: a migration failed',
  file_foreign: 'the server cannot open this room: its file is another’s',
  file_damaged: 'the server cannot open this room: its file is damaged',
  history_lost: 'the server cannot open this room: the end of its history is missing',
};

/** Why a room could not be opened may name paths, SQL and tables that no peer knows: those stand in the log. */
const withoutDetail = (error: AlcoveError): AlcoveError => {
  if (SAID_AS_IT_IS.has(error.code)) return error;
  const { code, retryAfterMs, limit } = error;
  const message = UNOPENED[code] ?? 'the room cannot be opened';
  return new AlcoveError(code, `${message}; the server’s log says why`, {
    cause: error,
    ...(ERROR_CODES[code].retryable ? {} : { hint: 'Whoever runs the server finds what is wrong, and what to do, in its log.' }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(limit === undefined ? {} : { limit }),
  });
};
