import type { ListItem } from './list-view.tsx';

/** `url`: of a bare server that a rename takes effect through; null: it takes effect in the worker at once. */
export interface RawStart {
  readonly url: string | null;
  readonly items: number;
}

export interface RawRename {
  readonly id: string;
  readonly title: string;
}

/** The list after each change; first once it is there. */
export type RawRows = readonly ListItem[];
