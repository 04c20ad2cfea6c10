/** What a board's page of ours is told in its address. */
export interface BoardStart {
  readonly room: string;
  readonly storage: 'memory' | 'device';
  /** Items of the board. */
  readonly rows: number;
  /** Mutations that are pending before anything is measured: then there is no connection. */
  readonly pending: number;
}
