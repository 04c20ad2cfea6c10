import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** A slow link to a server: passes bytes on at so many a second, each way. */
export class ThrottledProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #path: string;
  /** Connections made so far. */
  connections = 0;

  private constructor(target: URL, bytesPerSecond: number) {
    this.#path = target.pathname;
    this.#server = createServer((near) => {
      this.connections += 1;
      const far = connect(Number(target.port), target.hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (bytes) => {
          from.pause();
          to.write(bytes);
          setTimeout(() => from.resume(), (bytes.length / bytesPerSecond) * 1_000);
        });
        from.on('close', () => to.destroy());
        from.on('error', () => undefined); // either end may be cut
      }
    });
  }

  static async open(url: string, bytesPerSecond: number): Promise<ThrottledProxy> {
    const proxy = new ThrottledProxy(new URL(url), bytesPerSecond);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new TypeError('the proxy does not listen');
    return `ws://127.0.0.1:${address.port}${this.#path}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
