/** Databases of so many megabytes each take `count` small commits, and so does the floor, in turn. */
export interface PersistRequest {
  readonly megabytes: readonly number[];
  readonly count: number;
}

/** What each commit took, in ms. */
export interface PersistTimes {
  readonly rooms: readonly (readonly number[])[];
  readonly floor: readonly number[];
}
