import type { Socket } from 'node:net';
import { TcpWay } from './tcp-way.ts';

/** A slow link to a server: passes bytes on at so many a second, each way. */
export class ThrottledProxy extends TcpWay {
  readonly #bytesPerSecond: number;

  private constructor(target: string, bytesPerSecond: number) {
    super(target);
    this.#bytesPerSecond = bytesPerSecond;
  }

  static open(url: string, bytesPerSecond: number): Promise<ThrottledProxy> {
    return new ThrottledProxy(url, bytesPerSecond).listen();
  }

  protected override carry(from: Socket, to: Socket): void {
    from.on('data', (bytes) => {
      from.pause();
      to.write(bytes);
      setTimeout(() => from.resume(), (bytes.length / this.#bytesPerSecond) * 1_000);
    });
  }
}
