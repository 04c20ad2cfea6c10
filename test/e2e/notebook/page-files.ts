import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
};

/** The app's files, from a server of their own: pages load while the room server is away. */
export class PageFiles {
  readonly #server: Server;
  /** Runs before every script of pages and workers. */
  prelude = '';

  private constructor(folder: string) {
    this.#server = createServer((request, response) => {
      const file = join(folder, normalize(new URL(request.url ?? '/', 'http://files').pathname));
      const type = TYPES[extname(file)];
      if (request.url === '/blank.html') response.writeHead(200, { 'content-type': 'text/html' }).end('<title>blank</title>');
      else if (type === undefined || !existsSync(file)) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': type }).end(this.#textOf(file));
    });
  }

  static async serve(folder: string): Promise<PageFiles> {
    const files = new PageFiles(folder);
    files.#server.listen(0, '127.0.0.1');
    await once(files.#server, 'listening');
    return files;
  }

  #textOf(file: string): Buffer {
    const bytes = readFileSync(file);
    return file.endsWith('.js') ? Buffer.concat([Buffer.from(`${this.prelude}\n`), bytes]) : bytes;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // it listens on a port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
