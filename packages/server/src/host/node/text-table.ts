import type { Row, SqlValue } from '@alcove/core/sqlite/database';

/** A wider cell is cut, and ends in an ellipsis. */
const CELL_CHARACTERS_MAX = 60;
const BLOB_BYTES_SHOWN = 16;

/** Rows as people read them in a terminal: numbers to the right, NULL told from an empty text. Ends with a line break; only that where there are no columns. */
export function textTable(columns: readonly string[], rows: readonly Row[]): string {
  const body = rows.map((row) => row.map(textOf));
  const head = columns.map((name) => cut(oneLine(name)));
  const widths = head.map((name, index) => Math.max(widthOf(name), ...body.map((row) => widthOf(row[index] ?? ''))));
  const isNumber = head.map((_, index) => rows.length > 0 && rows.every((row) => typeof row[index] === 'number' || row[index] === null));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => {
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - widthOf(cell)));
        return isNumber[index] === true ? `${space}${cell}` : `${cell}${space}`;
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return `${[line(head), rule, ...body.map(line)].join('\n')}\n`;
}

function textOf(cell: SqlValue | undefined): string {
  if (cell === null || cell === undefined) return 'NULL';
  if (typeof cell === 'number') return String(cell);
  if (typeof cell === 'string') return cut(oneLine(cell));
  const shown = Buffer.from(cell.subarray(0, BLOB_BYTES_SHOWN)).toString('hex');
  return `x'${shown}${cell.length > BLOB_BYTES_SHOWN ? `…' (${cell.length} bytes)` : "'"}`;
}

/** What would move a terminal's place is shown as what it is. */
const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : escaped;
  });

const cut = (text: string): string => {
  const characters = [...text];
  return characters.length <= CELL_CHARACTERS_MAX ? text : `${characters.slice(0, CELL_CHARACTERS_MAX - 1).join('')}…`;
};

/** Characters, not bytes: close enough for columns. */
const widthOf = (text: string): number => [...text].length;
