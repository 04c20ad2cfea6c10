import { AlcoveError } from '@alcove/core/error';
import { cellToWire } from '@alcove/core/change/wire-cell';
import type { Row } from '@alcove/core/sqlite/database';
import type { ReadAnswer, ReadBounds } from './replica.ts';

/** Rows of an answer as they are read, put down column by column as JSON, within the bounds of the read. */
export class AnswerCells {
  readonly #bounds: Pick<ReadBounds, 'rowsMax' | 'bytesMax'>;
  readonly #bytesOf: (text: string) => number;
  readonly #columns: string[][];
  #rows = 0;
  #bytes: number;
  #truncated = false;

  /** @param bytesOf How long a text is in UTF-8. */
  constructor(columns: number, bounds: Pick<ReadBounds, 'rowsMax' | 'bytesMax'>, bytesOf: (text: string) => number) {
    this.#bounds = bounds;
    this.#bytesOf = bytesOf;
    this.#columns = Array.from({ length: columns }, () => []);
    this.#bytes = '[]'.length + columns * '[],'.length;
  }

  /**
   * False: it did not fit any more, the answer ends before it and is truncated.
   * @throws AlcoveError `result_too_large` where it is the first row and passes the bytes alone.
   */
  add(row: Row): boolean {
    const { rowsMax, bytesMax } = this.#bounds;
    if (this.#rows === rowsMax) return this.#full();
    const cells = row.map((cell) => JSON.stringify(cellToWire(cell)));
    this.#bytes += cells.reduce((sum, cell) => sum + this.#bytesOf(cell) + ','.length, 0);
    if (this.#bytes > bytesMax && this.#rows > 0) return this.#full();
    if (this.#bytes > bytesMax)
      throw new AlcoveError('result_too_large', `one row is larger than the ${bytesMax} bytes of an answer`, {
        limit: 'readBytesMax',
      });
    for (const [index, cell] of cells.entries()) this.#columns[index]?.push(cell);
    this.#rows += 1;
    return true;
  }

  /** What comes next is too large to be taken in. False: it is the first row, and without it there is no answer. */
  cut(): boolean {
    this.#truncated = this.#rows > 0;
    return this.#truncated;
  }

  answer(): Pick<ReadAnswer, 'cells' | 'rows' | 'truncated'> {
    const cells = `[${this.#columns.map((column) => `[${column.join(',')}]`).join(',')}]`;
    return { cells, rows: this.#rows, truncated: this.#truncated };
  }

  #full(): false {
    this.#truncated = true;
    return false;
  }
}
