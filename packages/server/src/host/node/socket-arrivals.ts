import type { IncomingMessage } from 'node:http';
import { AlcoveError } from '@alcove/core/error';
import { encodeMessage } from '@alcove/core/protocol/codec';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { WebSocket } from 'ws';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import type { HostConnection } from './host-connection.ts';
import type { HostLimits } from './host-limits.ts';
import { SocketConnection } from './socket-connection.ts';

/** A connection that is in no room yet. */
export interface Arrival<Info> {
  readonly connection: HostConnection;
  readonly info: Info;
  readonly untilMs: number;
  /** Null until hello came; then what came after it. */
  early: (string | Uint8Array)[] | null;
}

export interface SocketArrivalsOptions<Info> {
  readonly limits: HostLimits;
  readonly runtime: Runtime;
  readonly meter: LimitMeter;
  /** Hello came. Whoever is let in is taken out with `taken`, everybody else with `refuse`. */
  letIn(arrival: Arrival<Info>, hello: string | Uint8Array): void;
  /** The connection is gone, in a room or not. */
  ended(connectionId: string): void;
}

/** All connections of a host, and those among them that are in no room yet: their first message, their deadlines. */
export class SocketArrivals<Info> {
  readonly #options: SocketArrivalsOptions<Info>;
  readonly #connections = new Map<string, HostConnection>();
  readonly #arrivals = new Map<string, Arrival<Info>>();
  #relayed = 0;
  #sweep: Timer | null = null;
  #lastText = '';
  #lastBytes: Uint8Array = new Uint8Array();

  constructor(options: SocketArrivalsOptions<Info>) {
    this.#options = options;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Of them, those with a socket of their own. */
  get sockets(): number {
    return this.#connections.size - this.#relayed;
  }

  /** Those in no room yet. */
  get size(): number {
    return this.#arrivals.size;
  }

  has(connectionId: string): boolean {
    return this.#arrivals.has(connectionId);
  }

  accept(socket: WebSocket, request: IncomingMessage, info: Info): HostConnection {
    const { runtime, limits, meter } = this.#options;
    const connection: SocketConnection = new SocketConnection(runtime.newId(), socket, request.socket, {
      limits,
      runtime,
      textBytes: (text) => this.#textBytes(text),
      met: (limit) => meter.met(limit),
      ended: () => this.ended(connection.id),
      handlers: { message: (frame) => this.message(connection.id, frame), arriving: () => undefined, closed: () => undefined },
    });
    this.#add(connection, info);
    return connection;
  }

  /** One without a socket of its own; who has it hands on what it says. */
  add(connection: HostConnection, info: Info): void {
    connection.handlers = { message: (frame) => this.message(connection.id, frame), arriving: () => undefined, closed: () => undefined };
    this.#add(connection, info);
  }

  #add(connection: HostConnection, info: Info): void {
    const { runtime, limits } = this.#options;
    this.#connections.set(connection.id, connection);
    if (connection.isRelayed) this.#relayed += 1;
    this.#arrivals.set(connection.id, { connection, info, untilMs: runtime.monotonicMs() + limits.helloTimeoutMs, early: null });
    this.#sweep ??= this.#nextSweep();
  }

  /** The connection is gone. */
  ended(connectionId: string): void {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return;
    this.#connections.delete(connectionId);
    if (connection.isRelayed) this.#relayed -= 1;
    this.#arrivals.delete(connectionId);
    this.#options.ended(connectionId);
  }

  /** It is in a room now, or told why not. @returns what it said after its hello. */
  taken(connectionId: string): readonly (string | Uint8Array)[] {
    const early = this.#arrivals.get(connectionId)?.early ?? [];
    this.#arrivals.delete(connectionId);
    return early;
  }

  /** Says why and closes. */
  refuse(connection: HostConnection, error: AlcoveError): void {
    this.#options.meter.saw(error);
    this.#arrivals.delete(connection.id);
    connection.send(encodeMessage({ type: 'error', ...error.toBody() }, 'json', this.#options.runtime));
    connection.close(error);
  }

  /** Turns away those that are in no room yet. */
  refuseAll(error: () => AlcoveError): void {
    for (const { connection } of [...this.#arrivals.values()]) this.refuse(connection, error());
  }

  /** Cuts whoever is left, and stops looking at deadlines. */
  terminate(): void {
    this.#sweep?.cancel();
    for (const connection of [...this.#connections.values()]) connection.terminate();
  }

  /** What a connection says that is in no room yet. */
  message(connectionId: string, frame: string | Uint8Array): void {
    const arrival = this.#arrivals.get(connectionId);
    if (arrival === undefined) return;
    const limit = 'messagesBeforeWelcomeMax';
    const max = this.#options.limits[limit];
    if (arrival.early === null) {
      arrival.early = [];
      this.#options.letIn(arrival, frame);
    } else if (arrival.early.length < max) {
      arrival.early.push(frame);
    } else {
      this.refuse(arrival.connection, new AlcoveError('rate_limited', `more than ${max} messages came before welcome`, { limit }));
    }
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
    const { limits, runtime } = this.#options;
    const everyMs = Math.max(
      20,
      Math.min(1000, ...[limits.helloTimeoutMs, limits.halfMessageTimeoutMs, limits.messageTimeoutMs].map((ms) => ms / 4)),
    );
    return runtime.setTimer(everyMs, () => {
      this.#endOverdue();
      this.#sweep = this.#nextSweep();
    });
  }

  #endOverdue(): void {
    const nowMs = this.#options.runtime.monotonicMs();
    for (const { connection, untilMs, early } of [...this.#arrivals.values()]) {
      if (nowMs < untilMs) continue;
      this.refuse(
        connection,
        new AlcoveError('hello_timeout', early === null ? 'no hello came in time' : 'it took too long to let you in', {
          limit: 'helloTimeoutMs',
        }),
      );
    }
    for (const connection of [...this.#connections.values()]) {
      const limit = connection.overdue(nowMs);
      if (limit !== null) this.refuse(connection, new AlcoveError('idle_timeout', 'a message took too long to arrive', { limit }));
    }
  }
}
