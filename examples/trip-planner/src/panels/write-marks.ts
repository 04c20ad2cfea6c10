/** A write of this tab, or of another of this browser, as far as its marks need to know. */
export interface MarkedWrite {
  readonly key: number;
  readonly name: string;
  readonly args: unknown;
}

/** Something that was to be added and is not: shown where it would have been, until its refusal was read. */
export interface RefusedRow {
  readonly key: string;
  /** Its place among the stops, where it was to be one. */
  readonly position: string;
  readonly cityId: number | null;
  /** The stop that a note was for. */
  readonly stopId: string | null;
  /** What was written: a thing to pack, a note. */
  readonly text: string;
}

/** Which rows of one kind wait for the room, and which were to be changed in a way that it refused. */
export interface Marks {
  readonly pending: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  readonly refusedRows: readonly RefusedRow[];
}

export interface TripMarks {
  readonly stops: Marks;
  readonly notes: Marks;
  readonly items: Marks;
}

export const NO_MARKS: TripMarks = { stops: none(), notes: none(), items: none() };

export type Kind = keyof TripMarks;

/** What each mutator writes: the kind of row, the member that names it, and whether the row is its own making. */
export const WRITES: Readonly<Record<string, { readonly kind: Kind; readonly adds: boolean }>> = {
  addStop: { kind: 'stops', adds: true },
  restoreStop: { kind: 'stops', adds: true },
  moveStop: { kind: 'stops', adds: false },
  changeNights: { kind: 'stops', adds: false },
  removeStop: { kind: 'stops', adds: false },
  addNote: { kind: 'notes', adds: true },
  editNote: { kind: 'notes', adds: false },
  keepNote: { kind: 'notes', adds: false },
  removeNote: { kind: 'notes', adds: false },
  addItem: { kind: 'items', adds: true },
  toggleItem: { kind: 'items', adds: false },
  removeItem: { kind: 'items', adds: false },
};

/** Where the marks of these writes go. A row may wait and have been refused something at once; both are marked. */
export function marksOf(pending: readonly MarkedWrite[], rejected: readonly MarkedWrite[]): TripMarks {
  if (pending.length === 0 && rejected.length === 0) return NO_MARKS;
  const marks = { stops: mutableNone(), notes: mutableNone(), items: mutableNone() };
  for (const { name, args } of pending) {
    const write = WRITES[name];
    if (write !== undefined) marks[write.kind].pending.add(textOf(args, 'id'));
  }
  for (const { key, name, args } of rejected) {
    const write = WRITES[name];
    if (write === undefined) continue;
    const { refused, refusedRows } = marks[write.kind];
    if (write.adds) refusedRows.push(refusedRow(key, args));
    else refused.add(textOf(args, 'id'));
  }
  return marks;
}

function refusedRow(key: number, args: unknown): RefusedRow {
  const cityId = memberOf(args, 'cityId');
  return {
    key: String(key),
    position: textOf(args, 'position'),
    cityId: typeof cityId === 'number' ? cityId : null,
    stopId: textOf(args, 'stopId') || null,
    text: textOf(args, 'label') || textOf(args, 'body'),
  };
}

/** A member of a mutation's arguments. */
export function memberOf(args: unknown, name: string): unknown {
  return typeof args === 'object' && args !== null ? Object.entries(args).find(([key]) => key === name)?.[1] : undefined;
}

/** The same where it is text, else nothing. */
export function textOf(args: unknown, name: string): string {
  const value = memberOf(args, name);
  return typeof value === 'string' ? value : '';
}

function mutableNone() {
  return { pending: new Set<string>(), refused: new Set<string>(), refusedRows: [] as RefusedRow[] };
}

function none(): Marks {
  return mutableNone();
}
