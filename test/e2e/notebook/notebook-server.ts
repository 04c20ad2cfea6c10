import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
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

  async start(build: Build = 'older'): Promise<void> {
    const child = fork(fileURLToPath(new URL('room-server.ts', import.meta.url)), [this.#dataDir, String(this.#port), build], {
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

  /** Nothing is written any more, nobody is told. Idempotent. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
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
