import type { PersistRequest, PersistTimes } from './persist.ts';

/** What a page of the benches offers to the process that drives it, as `globalThis.bench`. Everything is plain JSON. */
export interface OpenedPage {
  /** Once the query has its rows: how long that took since the navigation began, in ms, and the rows. */
  opened(): Promise<{ readonly ms: number; readonly rows: readonly unknown[] }>;
  /** Once what the page keeps on the device is kept. */
  saved(): Promise<void>;
  /** What JavaScript and WebAssembly hold in the page and its workers, in bytes, after a garbage collection. */
  memoryBytes(): Promise<number>;
}

export interface BoardPage {
  /** Once the list is shown. */
  ready(): Promise<void>;
  /** Changes a title some times, one after the other; how long each took until it stood in the document, in ms. */
  echo(count: number): Promise<number[]>;
  /** Says the first turn of a game and answers each of the other page's turns; how long all `turns` (an even number) took, in ms. */
  serve(game: number, turns: number): Promise<number>;
  /** Answers each turn of the page that serves with the next one. */
  play(game: number, turns: number): Promise<void>;
}

export interface PersistPage {
  persist(request: PersistRequest): Promise<PersistTimes>;
}

type AnyPage = OpenedPage & BoardPage & PersistPage;

declare global {
  var bench: AnyPage;
}

export const offer = (page: OpenedPage | BoardPage | PersistPage): void => {
  globalThis.bench = page as AnyPage; // each bench asks its own pages only
};
