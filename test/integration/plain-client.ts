import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';

export interface Result {
  readonly clientId: string;
  readonly mutationId: number;
  readonly status: 'applied' | 'duplicate' | 'rejected';
  readonly version: number;
  readonly code?: string;
  readonly message?: string;
}

/** A server message as a peer without a schema sees it: some fields the tests look at, and whatever else. */
export interface Message {
  readonly type: string;
  readonly results?: readonly Result[];
  readonly version?: number;
  readonly historyId?: string;
  readonly hash?: string;
  readonly code?: string;
  readonly message?: string;
  readonly retryAfterMs?: number;
  readonly image?: { readonly path: string; readonly ticket: string; readonly expiresInMs: number } | null;
  readonly [field: string]: unknown;
}

/** The plain JSON peer of docs/PROTOCOL.md: it says hello, pushes, and keeps every message it hears. */
export class PlainClient {
  readonly messages: Message[] = [];
  readonly clientId = `c-${randomUUID()}`;
  closed: { code: number; reason: string } | null = null;
  readonly socket: WebSocket;
  #mutationId = 0;
  readonly #waiting = new Set<() => void>();

  constructor(url: string, options: { headers?: Record<string, string>; origin?: string } = {}) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    this.socket.on('message', (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()) as Message); // what a server sends
      this.#wake();
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
    this.socket.on('error', () => this.#wake());
    this.socket.on('open', () => this.#wake());
  }

  /** Connected, welcomed and, where it is a first time, with the snapshot in. */
  static async join(url: string, id: string, more: Record<string, unknown> = {}): Promise<PlainClient> {
    const client = new PlainClient(url);
    await client.opened();
    client.hello(id, more);
    const welcome = await client.heard('welcome');
    if (welcome['hydration'] !== 'resume' && welcome.image == null) await client.heard('snapshotEnd');
    return client;
  }

  opened(): Promise<void> {
    return this.until(() => this.socket.readyState === WebSocket.OPEN, 'the socket to open');
  }

  hello(id: string, more: Record<string, unknown> = {}): void {
    this.say({ type: 'hello', protocol: 1, room: 'trip', id, clientId: this.clientId, ...more });
  }

  say(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Pushes one mutation; gives its mutationId. */
  push(name: string, args: unknown): number {
    this.#mutationId += 1;
    this.say({ type: 'push', mutations: [{ clientId: this.clientId, mutationId: this.#mutationId, name, args }] });
    return this.#mutationId;
  }

  /** The first message of that type that fits, heard already or soon. */
  async heard(type: string, fits: (message: Message) => boolean = () => true): Promise<Message> {
    const find = (): Message | undefined => this.messages.find((message) => message.type === type && fits(message));
    await this.until(() => find() !== undefined || this.closed !== null, `a ${type} message`);
    if (find() === undefined) throw new Error(`the socket closed (${JSON.stringify(this.closed)}) before a ${type} message`);
    return find() as Message; // until has just seen it
  }

  async result(mutationId: number): Promise<Result> {
    const of = (message: Message): Result | undefined => message.results?.find((result) => result.mutationId === mutationId);
    return of(await this.heard('results', (message) => of(message) !== undefined)) as Result; // heard has just found it
  }

  async end(): Promise<{ code: number; reason: string }> {
    await this.until(() => this.closed !== null, 'the socket to close');
    return this.closed as { code: number; reason: string }; // until has just seen it
  }

  /** Waits for a condition that messages or the end of the socket bring about. */
  async until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(
          `waited in vain for ${what}; heard ${JSON.stringify(this.messages).slice(0, 2000)} closed ${JSON.stringify(this.closed)}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.#wake(), 100);
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  cut(): void {
    this.socket.terminate();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
