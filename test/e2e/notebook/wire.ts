import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

type Direction = 'toRoom' | 'toPage';

/** What lies between pages and their room server: it can be cut, and hold what goes one way. Pages know its address only. */
export class Wire {
  readonly #server: Server;
  readonly #roomPort: () => number;
  readonly #sockets = new Set<Socket>();
  readonly #held = { toRoom: [] as (() => void)[], toPage: [] as (() => void)[] };
  readonly #holds = { toRoom: false, toPage: false };
  #isCut = false;

  private constructor(roomPort: () => number) {
    this.#roomPort = roomPort;
    this.#server = createServer((page) => this.#join(page));
  }

  /** `roomPort` is asked for each connection. */
  static async open(roomPort: () => number): Promise<Wire> {
    const wire = new Wire(roomPort);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/sync`; // it listens on a port
  }

  /** Every connection ends, and new ones do at once. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Whole again; what was held is dropped with its connections. */
  mend(): void {
    this.#isCut = false;
    for (const way of ['toRoom', 'toPage'] as const) {
      this.#holds[way] = false;
      this.#held[way].length = 0;
    }
  }

  hold(way: Direction): void {
    this.#holds[way] = true;
  }

  /** How many pieces wait. */
  held(way: Direction): number {
    return this.#held[way].length;
  }

  /** What was held goes on, also to a room whose page is gone. */
  release(way: Direction): void {
    this.#holds[way] = false;
    for (const pass of this.#held[way].splice(0)) pass();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(page: Socket): void {
    if (this.#isCut) {
      page.destroy();
      return;
    }
    const room = connect(this.#roomPort(), '127.0.0.1');
    this.#pass(page, room, 'toRoom');
    this.#pass(room, page, 'toPage');
  }

  #pass(from: Socket, to: Socket, way: Direction): void {
    this.#sockets.add(from);
    // A dead end shows as `close`, with an error before it or without.
    from.on('error', () => undefined);
    const inOrder = (pass: () => void): void => {
      if (this.#holds[way]) this.#held[way].push(pass);
      else pass();
    };
    from.on('data', (bytes: Buffer) => inOrder(() => to.write(bytes)));
    from.on('close', () => {
      this.#sockets.delete(from);
      inOrder(() => to.destroy());
    });
  }
}
