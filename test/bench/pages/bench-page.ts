import type { PersistRequest, PersistTimes } from './persist-request.ts';

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

/** A page with many pending calls, that is loaded again without a connection. */
export interface OutboxPage {
  /** Once a first visit has what it begins with, kept on the device. */
  ready(): Promise<void>;
  /** Goes offline and makes the calls; how long that took until all are on the disk, in ms. */
  fill(): Promise<number>;
  /** Once all of them are shown: how long that took since the navigation began, in ms. */
  restored(): Promise<number>;
  /** Connects; how long it took until the room had decided all, in ms. */
  push(): Promise<number>;
  /** Of the page's thread since it was loaded, in ms. */
  longestStallMs(): Promise<number>;
  memoryBytes(): Promise<number>;
}

type AnyPage = OpenedPage & BoardPage & PersistPage & OutboxPage;

declare global {
  var bench: AnyPage;
}

export const offer = (page: OpenedPage | BoardPage | PersistPage | OutboxPage): void => {
  globalThis.bench = page as AnyPage; // each bench asks its own pages only
};
