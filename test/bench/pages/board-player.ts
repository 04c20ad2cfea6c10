import type { BoardPage } from './bench-page.ts';
import type { ListItem } from './list-view.tsx';

/** Rows of the list that is shown, and of them the one that is changed. */
export const LIST_SIZE = 50;
const CHANGED = 25;
/** Between two changes of `echo`: a user's next doing seldom follows within milliseconds. */
const QUIET_MS = 10;

/** Gives an item another title; resolves when nothing more of it is under way that another one would meet. */
export type Rename = (id: string, title: string) => Promise<unknown>;

/** What is done with a list on either side: changes it and looks at what is shown. */
export class BoardPlayer implements BoardPage {
  readonly #rename: Rename;
  #id = '';
  #firstShown: () => void = () => undefined;
  #onTitle: (title: string) => void = () => undefined;
  readonly #isShown = new Promise<void>((resolve) => {
    this.#firstShown = resolve;
  });
  readonly #prepared: Promise<void>;

  /** `prepare`: what is done once the list is shown, before anything else. */
  constructor(rename: Rename, prepare?: () => Promise<void>) {
    this.#rename = rename;
    this.#prepared = this.#isShown.then(() => prepare?.());
  }

  readonly shown = (rows: readonly ListItem[]): void => {
    const item = rows[CHANGED];
    if (rows.length !== LIST_SIZE || item === undefined) return;
    this.#id = item.id;
    this.#firstShown();
    this.#onTitle(item.title);
  };

  ready(): Promise<void> {
    return this.#prepared;
  }

  async echo(count: number): Promise<number[]> {
    const tookMs: number[] = [];
    for (let index = 0; index < count; index += 1) {
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      const title = `Echo ${performance.now()}`;
      const startMs = performance.now();
      const shownMs = this.#when((now) => now === title).then(() => performance.now());
      const settled = this.#rename(this.#id, title);
      tookMs.push((await shownMs) - startMs);
      await settled;
    }
    return tookMs;
  }

  async serve(game: number, turns: number): Promise<number> {
    const over = this.#answer(game, turns, 0);
    const startMs = performance.now();
    void this.#rename(this.#id, titleOf(game, 1));
    await over;
    return performance.now() - startMs;
  }

  play(game: number, turns: number): Promise<void> {
    return this.#answer(game, turns, 1);
  }

  /** Answers the other's turns, which are odd or even, until one of the last two is shown. */
  #answer(game: number, turns: number, parity: 0 | 1): Promise<void> {
    let answered = 0;
    return new Promise((resolve) => {
      this.#onTitle = (title) => {
        const turn = turnOf(game, title);
        if (turn <= answered || turn % 2 !== parity) return;
        answered = turn;
        if (turn < turns) void this.#rename(this.#id, titleOf(game, turn + 1));
        if (turn >= turns - 1) resolve();
      };
    });
  }

  #when(isIt: (title: string) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onTitle = (title) => {
        if (isIt(title)) resolve();
      };
    });
  }
}

const titleOf = (game: number, turn: number): string => `Game ${game}, turn ${turn}`;

/** 0 where it is no turn of this game. */
const turnOf = (game: number, title: string): number => Number(new RegExp(`^Game ${game}, turn (\\d+)$`).exec(title)?.[1] ?? 0);
