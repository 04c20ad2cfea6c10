import type { Row } from '@alcove/core/sqlite/database';

/**
 * How a live query's rows reach the page: whole the first time, afterwards as a recipe over the rows the page has. Rows that did not change are
 * only named by their place, so the page keeps its own (mapped) objects for them and a renderer sees the same identity.
 *
 * ```
 * had   a b c d e          { parts: [ {from: 0, count: 2}, {rows: [x]}, {from: 3, count: 2}, {from: 2, count: 1} ] }
 * gets  a b x d e c
 * ```
 */
export type RowsUpdate =
  | { readonly kind: 'whole'; readonly columns: readonly string[]; readonly rows: readonly Row[] }
  | { readonly kind: 'patch'; readonly parts: readonly PatchPart[] };

/** `from, count`: a run of the previous rows. `rows`: new ones. A previous row is used at most once; one that is not is gone. */
export type PatchPart = { readonly from: number; readonly count: number } | { readonly rows: readonly Row[] };
