import type { Socket } from 'node:net';
import { TcpWay } from '../tcp-way.ts';

/** A way to a server. `open`: bytes pass. `silent`: what was open stays, and nothing arrives any more, either way. `cut`: sockets are ended, new ones too. */
export type LinkState = 'open' | 'silent' | 'cut';

/** A network that fails, in front of a server that listens on this machine. */
export class BreakableLink extends TcpWay {
  #state: LinkState = 'open';

  static to(url: string): Promise<BreakableLink> {
    return new BreakableLink(url).listen();
  }

  set(state: LinkState): void {
    this.#state = state;
    for (const socket of this.sockets) this.#obey(socket);
  }

  protected override carry(from: Socket, to: Socket): void {
    from.on('data', (bytes) => to.write(bytes));
    this.#obey(from);
  }

  #obey(socket: Socket): void {
    if (this.#state === 'open') socket.resume();
    else if (this.#state === 'silent') socket.pause();
    else socket.destroy();
  }
}
