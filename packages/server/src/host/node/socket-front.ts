import type { IncomingMessage } from 'node:http';
import { AlcoveError, ERROR_CODES, type ErrorCode } from '@alcove/core/error';
import { encodeMessage } from '@alcove/core/protocol/codec';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { WebSocket } from 'ws';
import type { AccessAction, RoomAccess } from '../../access/access.ts';
import { admit, readHello } from '../../access/front.ts';
import type { Gatekeeper } from '../../access/front.ts';
import { TokenRenewals } from '../../access/token-renewals.ts';
import type { RoomAddress, RoomDirectory } from '../../room/room-directory.ts';
import { originOf } from './http-answer.ts';
import type { HostedRoom } from './hosted-room.ts';
import type { ConnectionInfo, ResolvedServerOptions } from './server-options.ts';
import { SocketConnection } from './socket-connection.ts';

export interface SocketFrontOptions {
  readonly server: ResolvedServerOptions;
  readonly directory: RoomDirectory<HostedRoom>;
  readonly runtime: Runtime;
}

/** Frames that may come while somebody is authenticated; reading stops meanwhile, so these are what one read had in it. */
const EARLY_FRAMES_MAX = 256;
/** Verifiers allow clocks to differ by so much; a token they accept is not cut off at once. */
const EXPIRY_LEEWAY_MS = 60_000;

interface Known {
  readonly connection: SocketConnection;
  readonly info: ConnectionInfo;
  /** Null until a fresh token came. */
  renewals: TokenRenewals | null;
}

/** A socket that is in no room yet. */
interface Arrival {
  readonly connection: SocketConnection;
  readonly info: ConnectionInfo;
  readonly untilMs: number;
  /** Null until hello came; then what came after it. */
  early: (string | Uint8Array)[] | null;
}

/** Sockets from their first byte to their room: hello, who is it, may they, in. Deadlines of all of them. */
export class SocketFront {
  readonly #options: SocketFrontOptions;
  readonly #connections = new Map<string, Known>();
  readonly #arrivals = new Map<string, Arrival>();
  #sweep: Timer | null = null;
  #lastText = '';
  #lastBytes: Uint8Array = new Uint8Array();

  constructor(options: SocketFrontOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get arrivals(): number {
    return this.#arrivals.size;
  }

  accept(socket: WebSocket, request: IncomingMessage): void {
    const { runtime, server } = this.#options;
    const info = { remoteAddress: request.socket.remoteAddress ?? '', origin: originOf(request), headers: request.headers };
    const connection: SocketConnection = new SocketConnection(runtime.newId(), socket, request.socket, {
      limits: server.hostLimits,
      runtime,
      textBytes: (text) => this.#textBytes(text),
      ended: () => {
        this.#connections.delete(connection.id);
        this.#arrivals.delete(connection.id);
      },
      handlers: { message: (frame) => this.#first(connection.id, frame), arriving: () => undefined, closed: () => undefined },
    });
    this.#connections.set(connection.id, { connection, info, renewals: null });
    this.#arrivals.set(connection.id, { connection, info, untilMs: runtime.monotonicMs() + server.hostLimits.helloTimeoutMs, early: null });
    this.#sweep ??= this.#nextSweep();
  }

  /** A fresh token on a running session. */
  renewAccess(room: HostedRoom, connectionId: string, token: string): void {
    const known = this.#connections.get(connectionId);
    if (known === undefined) return;
    known.renewals ??= new TokenRenewals((newest) => this.#renew(room, connectionId, known.info, newest));
    known.renewals.add(token);
  }

  async #renew(room: HostedRoom, connectionId: string, info: ConnectionInfo, token: string): Promise<boolean> {
    try {
      if (!this.#connections.has(connectionId)) return false;
      room.renewAccess(connectionId, await admit(token, this.#gatekeeper(room.address, info)));
      return true;
    } catch (error) {
      room.disconnect(connectionId, AlcoveError.from(error));
      return false;
    }
  }

  /** Turns away those that are in no room yet. */
  refuseArrivals(error: () => AlcoveError): void {
    for (const { connection } of [...this.#arrivals.values()]) this.#refuse(connection, error());
  }

  /** Cuts whoever is left, and stops looking at deadlines. */
  terminate(): void {
    this.#sweep?.cancel();
    for (const { connection } of [...this.#connections.values()]) connection.terminate();
  }

  #first(connectionId: string, frame: string | Uint8Array): void {
    const arrival = this.#arrivals.get(connectionId);
    if (arrival === undefined) return;
    if (arrival.early === null) {
      arrival.early = [];
      void this.#letIn(arrival, frame);
    } else if (arrival.early.length < EARLY_FRAMES_MAX) {
      arrival.early.push(frame);
    } else {
      this.#refuse(arrival.connection, new AlcoveError('rate_limited', `more than ${EARLY_FRAMES_MAX} messages came before welcome`));
    }
  }

  async #letIn(arrival: Arrival, frame: string | Uint8Array): Promise<void> {
    const { server, runtime, directory } = this.#options;
    const { connection } = arrival;
    connection.hold();
    try {
      const { hello, definition } = readHello(frame, server.rooms, runtime);
      const address = { name: definition.name, id: hello.id };
      const access = await admit(hello.token, this.#gatekeeper(address, arrival.info));
      const entered = directory.use(address, server.createOnJoin ? 'any' : 'existing', (room) => {
        if (!this.#arrivals.has(connection.id)) return; // gone, or turned away meanwhile
        room.join(connection, hello, access);
        this.#arrivals.delete(connection.id);
        for (const early of arrival.early ?? []) room.receive(connection.id, early);
      });
      await entered.catch((cause: unknown) => {
        throw withoutDetail(AlcoveError.from(cause));
      });
    } catch (cause) {
      const error = AlcoveError.from(cause);
      if (error.code === 'internal')
        runtime.log.error('a hello could not be answered', {
          connectionId: connection.id,
          reason: AlcoveError.from(error.cause ?? error).message,
        });
      if (this.#arrivals.has(connection.id)) this.#refuse(connection, error);
    } finally {
      connection.release();
    }
  }

  /** Says why and closes. */
  #refuse(connection: SocketConnection, error: AlcoveError): void {
    this.#arrivals.delete(connection.id);
    connection.send(encodeMessage({ type: 'error', ...error.toBody() }, 'json', this.#options.runtime));
    connection.close(error);
  }

  #gatekeeper(address: RoomAddress, info: ConnectionInfo): Gatekeeper {
    const { authenticate, authorize } = this.#options.server;
    return {
      authenticate: async (token) => {
        if (authenticate === null) return null;
        const claims = await authenticate(token, info);
        if (claims === null) throw new AlcoveError('unauthenticated', 'the token was not accepted');
        return claims;
      },
      mayOpen: (claims) => authorize === null || authorize(claims, { kind: 'open' }, address),
      accessOf: (claims) => this.#accessOf(claims, address),
    };
  }

  #accessOf(claims: Claims | null, address: RoomAddress): RoomAccess {
    const { server, runtime } = this.#options;
    const { authorize } = server;
    const expiry = claims?.['exp'];
    const expiresInMs = typeof expiry === 'number' ? Math.max(1, expiry * 1000 + EXPIRY_LEEWAY_MS - runtime.nowMs()) : undefined;
    return {
      claims,
      ...(expiresInMs === undefined ? {} : { expiresInMs }),
      ...(authorize === null ? {} : { allows: (action) => this.#isYes(authorize(claims, action, address), action) }),
    };
  }

  /** Rights are asked in the middle of a transaction: a promise is no answer. */
  #isYes(answer: boolean | Promise<boolean>, { kind }: AccessAction): boolean {
    if (!(answer instanceof Promise)) return answer === true;
    answer.catch(() => undefined);
    this.#options.runtime.log.error('authorize answered with a promise, which counts as no: only `open` is waited for', { kind });
    return false;
  }

  /** The bytes of the last text: a commit goes to many sockets in a row. */
  #textBytes(text: string): Uint8Array {
    if (text !== this.#lastText) {
      this.#lastBytes = Buffer.from(text);
      this.#lastText = text;
    }
    return this.#lastBytes;
  }

  /** Looks at deadlines as often as the shortest of them asks for, while there are sockets. */
  #nextSweep(): Timer | null {
    if (this.#connections.size === 0) return null;
    const { hostLimits } = this.#options.server;
    const everyMs = Math.max(
      20,
      Math.min(1000, ...[hostLimits.helloTimeoutMs, hostLimits.halfMessageTimeoutMs, hostLimits.messageTimeoutMs].map((ms) => ms / 4)),
    );
    return this.#options.runtime.setTimer(everyMs, () => {
      this.#endOverdue();
      this.#sweep = this.#nextSweep();
    });
  }

  #endOverdue(): void {
    const nowMs = this.#options.runtime.monotonicMs();
    for (const { connection, untilMs, early } of [...this.#arrivals.values()]) {
      if (nowMs < untilMs) continue;
      this.#refuse(
        connection,
        new AlcoveError('hello_timeout', early === null ? 'no hello came in time' : 'it took too long to let you in'),
      );
    }
    for (const { connection } of [...this.#connections.values()]) {
      if (connection.isOverdue(nowMs)) this.#refuse(connection, new AlcoveError('idle_timeout', 'a message took too long to arrive'));
    }
  }
}

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
  if (error.code === 'room_unknown' || error.code === 'draining') return error;
  const { code, retryAfterMs } = error;
  const message = UNOPENED[code] ?? 'the room cannot be opened';
  return new AlcoveError(code, `${message}; the server’s log says why`, {
    cause: error,
    ...(ERROR_CODES[code].retryable ? {} : { hint: 'Whoever runs the server finds what is wrong, and what to do, in its log.' }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};
