import { AlcoveError, assert } from '@alcove/core/error';
import type { Statement as NativeStatement, SqlJsStatic } from 'sql.js';

/** What sql.js hands out beside its documented interface: calls into SQLite itself. */
interface Internals {
  _sqlite3_column_bytes(statement: number, column: number): number;
  _sqlite3_column_text(statement: number, column: number): number;
  UTF8ToString(address: number, bytesMax: number, ignoreNul: boolean): string;
}

const BYTE_ORDER_MARK = '\ufeff';

/**
 * sql.js decodes text with a TextDecoder that swallows a leading U+FEFF. A text that is read back changed could be written back changed, or
 * not be found as a key, so it is put back here. Costs a call a text; a second one only where a text is not all ASCII.
 */
export class SqljsText {
  readonly #internals: Internals;

  /** @throws AlcoveError `wasm_failed` where `sqlJs` is not the version that this driver knows. */
  constructor(sqlJs: SqlJsStatic) {
    // sql.js has them and its types do not; each is looked for before it is used.
    const { _sqlite3_column_bytes, _sqlite3_column_text, UTF8ToString } = sqlJs as SqlJsStatic & Partial<Internals>;
    if (_sqlite3_column_bytes === undefined || _sqlite3_column_text === undefined || UTF8ToString === undefined) {
      throw new AlcoveError('wasm_failed', 'this build of sql.js lacks the calls that read text unchanged', {
        hint: 'Use the version of sql.js that @alcove/client asks for.',
      });
    }
    this.#internals = { _sqlite3_column_bytes, _sqlite3_column_text, UTF8ToString };
  }

  /** `text` as it stands in `column` of the row the statement is at. */
  restored(text: string, statement: number, column: number): string {
    const { _sqlite3_column_bytes, _sqlite3_column_text, UTF8ToString } = this.#internals;
    // Every character that is not ASCII takes more bytes than UTF-16 units.
    if (_sqlite3_column_bytes(statement, column) === text.length) return text;
    return UTF8ToString(_sqlite3_column_text(statement, column), 3, true) === '' ? BYTE_ORDER_MARK + text : text;
  }
}

/** Where SQLite keeps the statement; its field has another name in each build, but is the one number that is no small count. */
export function statementAddress(statement: NativeStatement): number {
  const address = Object.values(statement).find((value): value is number => typeof value === 'number' && value > 1);
  assert(address !== undefined, 'a sql.js statement holds its address');
  return address;
}
