/** The sessions of a room's tabs on one socket to the primary: their numbers there, and who of them has said something since the primary was told so. */
export class SessionNumbers {
  readonly #connectionIds = new Map<number, string>();
  readonly #heard = new Set<number>();
  #last = 0;

  /** Another socket: numbers begin again. All were taken back before. */
  startOver(): void {
    this.#last = 0;
  }

  give(connectionId: string): number {
    this.#last += 1;
    this.#connectionIds.set(this.#last, connectionId);
    return this.#last;
  }

  connectionOf(session: number): string | undefined {
    return this.#connectionIds.get(session);
  }

  /** It is nobody's from now on. @returns whether it was somebody's */
  takeBack(session: number): boolean {
    this.#heard.delete(session);
    return this.#connectionIds.delete(session);
  }

  said(session: number): void {
    this.#heard.add(session);
  }

  /** Who has said something since the last call, in pieces of so many. */
  takeHeard(piece: number): number[][] {
    const heard = [...this.#heard];
    this.#heard.clear();
    return Array.from({ length: Math.ceil(heard.length / piece) }, (_, at) => heard.slice(at * piece, (at + 1) * piece));
  }
}
