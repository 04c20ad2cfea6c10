/**
 * The fresh tokens of one session: one is verified at a time, and of those that come meanwhile only the newest is, once that one is done. So a peer that sends
 * many costs no more than one that waits.
 */
export class TokenRenewals {
  readonly #verify: (token: string) => Promise<boolean>;
  #running = false;
  #newest: string | null = null;

  /** @param verify Verifies a token and does what follows from it; never rejects. False: the session is over, nothing more is verified. */
  constructor(verify: (token: string) => Promise<boolean>) {
    this.#verify = verify;
  }

  add(token: string): void {
    this.#newest = token;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let token = this.#take(); token !== null; token = this.#take()) {
      if (!(await this.#verify(token))) return;
    }
    this.#running = false;
  }

  #take(): string | null {
    const token = this.#newest;
    this.#newest = null;
    return token;
  }
}
