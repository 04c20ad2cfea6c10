import { itemAt } from './bench-room.ts';

export type PendingCall =
  | { readonly name: 'add'; readonly args: ReturnType<typeof itemAt> }
  | { readonly name: 'rename'; readonly args: { readonly id: string; readonly title: string } };

/** What stands in the title of every row that such a call touched. */
export const PENDING_TITLE = 'Pending';

/** The `index`-th of many calls on a board of `rows` items, each of its own row: every other one inserts, the others rename rows that are there. */
export const pendingCall = (index: number, rows: number): PendingCall =>
  index % 2 === 0
    ? { name: 'add', args: { ...itemAt(rows + index), title: `${PENDING_TITLE} ${index}` } }
    : { name: 'rename', args: { id: itemAt((index * 7) % rows).id, title: `${PENDING_TITLE} ${index}` } };
