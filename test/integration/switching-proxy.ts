import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What stands between tabs and servers, as a load balancer does, or between servers: it can send whoever comes elsewhere, and cut everybody. */
export class SwitchingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: string;
  #isCut = false;
  url = '';

  static async before(url: string): Promise<SwitchingProxy> {
    const proxy = new SwitchingProxy(url);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    const address = proxy.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    proxy.url = `ws://127.0.0.1:${port}${new URL(url).pathname}`;
    return proxy;
  }

  private constructor(url: string) {
    this.#target = url;
    this.#server = createServer((near) => this.#accept(near));
  }

  /** Whoever comes from now on goes there; whoever is connected is cut. */
  switchTo(url: string): void {
    this.#target = url;
    this.#destroyAll();
  }

  cut(): void {
    this.#isCut = true;
    this.#destroyAll();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Sockets that are open now, two for each connection. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Nothing more is read of either side, as where a network hangs. */
  pause(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  close(): void {
    this.#destroyAll();
    this.#server.close();
  }

  #accept(near: Socket): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const { hostname, port } = new URL(this.#target);
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      const other = socket === near ? far : near;
      socket
        .on('error', () => undefined)
        .on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
    }
    near.pipe(far).pipe(near);
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
