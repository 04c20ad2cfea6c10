import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** A way to a server. `open`: bytes pass. `silent`: what was open stays, and nothing arrives any more, either way. `cut`: sockets are ended, new ones too. */
export type LinkState = 'open' | 'silent' | 'cut';

/** A network that fails, in front of a server that listens on this machine. */
export class BreakableLink {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #path: string;
  #state: LinkState = 'open';

  private constructor(target: URL) {
    this.#path = target.pathname;
    this.#server = createServer((near) => this.#accept(near, target));
  }

  static async to(url: string): Promise<BreakableLink> {
    const link = new BreakableLink(new URL(url));
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new TypeError('the link does not listen');
    return `ws://127.0.0.1:${address.port}${this.#path}`;
  }

  set(state: LinkState): void {
    this.#state = state;
    for (const socket of this.#sockets) this.#obey(socket);
  }

  close(): void {
    this.set('cut');
    this.#server.close();
  }

  #accept(near: Socket, target: URL): void {
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => to.write(bytes));
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => undefined); // `close` follows
      this.#obey(from);
    }
  }

  #obey(socket: Socket): void {
    if (this.#state === 'open') socket.resume();
    else if (this.#state === 'silent') socket.pause();
    else socket.destroy();
  }
}
