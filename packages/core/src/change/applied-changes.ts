import type { Row } from '../sqlite/database.ts';
import type { TableChanges } from './change-set.ts';

/** What an apply did to one table: the row changes in its direction, and the key of each. */
export interface AppliedTable extends TableChanges {
  /** `keys[i]` is the key of `rows[i]`. */
  readonly keys: readonly Row[];
}

/** What an apply did, for whoever has to know what it touched. */
export type AppliedChanges = readonly AppliedTable[];
