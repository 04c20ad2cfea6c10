import type { Socket } from 'node:net';
import { TcpWay } from './tcp-way.ts';

/** What stands between tabs and servers, as a load balancer does, or between servers: it can send whoever comes elsewhere, and cut everybody. */
export class SwitchingProxy extends TcpWay {
  #isCut = false;

  static before(url: string): Promise<SwitchingProxy> {
    return new SwitchingProxy(url).listen();
  }

  /** Whoever comes from now on goes there; whoever is connected is cut. */
  switchTo(url: string): void {
    this.target = url;
    this.cutAll();
  }

  cut(): void {
    this.#isCut = true;
    this.cutAll();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Sockets that are open now, two for each connection. */
  get open(): number {
    return this.sockets.size;
  }

  /** Nothing more is read of either side, as where a network hangs. */
  pause(): void {
    for (const socket of this.sockets) socket.pause();
  }

  protected override accept(near: Socket): void {
    if (this.#isCut) near.destroy();
    else super.accept(near);
  }
}
