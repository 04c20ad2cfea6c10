import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Note } from './notebook-page.ts';

type Said = { readonly url: string } | { readonly rows: readonly Note[] };

export type Build = 'older' | 'newer';

/** The room server as a test starts, ends, kills and starts it again: at one address, over one folder. */
export class NotebookServer {
  readonly #dataDir: string;
  #port = 0;
  #child: ChildProcess | null = null;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** Known from the first start on. */
  get port(): number {
    return this.#port;
  }

  /** `acceptLostTail`: as the server's option of that name. */
  async start(build: Build = 'older', { acceptLostTail = false } = {}): Promise<void> {
    const options = [this.#dataDir, String(this.#port), build, String(acceptLostTail)];
    const child = fork(fileURLToPath(new URL('room-server.ts', import.meta.url)), options, {
      execArgv: ['--conditions=@alcove/source', '--import', import.meta.resolve('tsx')],
    });
    this.#child = child;
    const said = await this.#next();
    if ('url' in said) this.#port = Number(new URL(said.url).port);
  }

  /** What the room holds. */
  notes(roomId: string): Promise<readonly Note[]> {
    const said = this.#next();
    this.#child?.send(roomId);
    return said.then((answer) => ('rows' in answer ? answer.rows : []));
  }

  /** As whoever runs it ends it: everybody is told, all that waits is written, its files are closed. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Nothing is written any more, nobody is told. Idempotent. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** All that it has, as a copy in that folder. Of a server that was stopped. */
  copyTo(folder: string): void {
    cpSync(this.#dataDir, folder, { recursive: true });
  }

  /** Puts such a copy in the place of what is there; `files` says which of them, the others stay as they are. Of a server that was stopped. */
  putBack(folder: string, files?: (path: string) => boolean): void {
    if (files === undefined) rmSync(this.#dataDir, { recursive: true });
    cpSync(folder, this.#dataDir, {
      recursive: true,
      filter: (path) => files === undefined || statSync(path).isDirectory() || files(path),
    });
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
  }

  #next(): Promise<Said> {
    const child = this.#child;
    if (child === null) throw new Error('the server is away');
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the server ended with code ${code}`));
      child.once('exit', ended);
      child.once('message', (message) => {
        child.off('exit', ended);
        resolve(message as Said); // room-server.ts says nothing else
      });
    });
  }
}
