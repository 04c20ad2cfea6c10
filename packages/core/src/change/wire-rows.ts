/**
 * A value in JSON: null, text and finite numbers as they are; a blob as `{"b": base64}`; a REAL that JSON cannot hold as `{"r": "Infinity" | "-Infinity" | "-0"}`.
 */
export type WireCell = null | number | string | { readonly b: string } | { readonly r: 'Infinity' | '-Infinity' | '-0' };

/** Rows column by column: `cells[i]` holds the values of `columns[i]`, all equally long. */
export interface WireRows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly cells: readonly (readonly WireCell[])[];
}

/** Changes as readers get them: whole rows put, keys deleted, both column by column; no before-images. */
export interface WireTableChanges {
  readonly table: string;
  readonly columns: readonly string[];
  readonly puts: readonly (readonly WireCell[])[];
  readonly key: readonly string[];
  readonly deletes: readonly (readonly WireCell[])[];
}
