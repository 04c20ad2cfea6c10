import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server on this machine, of which a test makes something worse. Every connection to it is one to the server, and ends with it. */
export class TcpWay {
  /** Where connections go from now on: ws: or wss:. */
  protected target: string;
  /** Open now, two for each connection. */
  protected readonly sockets = new Set<Socket>();
  readonly #server: Server;
  /** Made so far. */
  #connections = 0;

  constructor(target: string) {
    this.target = target;
    this.#server = createServer((near) => this.accept(near));
  }

  get connections(): number {
    return this.#connections;
  }

  /** What stands in the place of the server's own address. */
  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new TypeError('nothing listens on the way');
    return `ws://127.0.0.1:${address.port}${new URL(this.target).pathname}`;
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  close(): void {
    this.cutAll();
    this.#server.close();
  }

  protected cutAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  protected accept(near: Socket): void {
    const { hostname, port } = new URL(this.target);
    const far = connect(Number(port), hostname);
    this.#connections += 1;
    this.#join(near, far);
    this.#join(far, near);
  }

  /** Takes what comes of one side to the other. */
  protected carry(from: Socket, to: Socket): void {
    from.pipe(to);
  }

  #join(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from
      .on('error', () => undefined) // `close` follows
      .on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    this.carry(from, to);
  }
}
