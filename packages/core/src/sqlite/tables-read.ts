import { type Token } from './tokenize.ts';

/** Words that end a list of tables. */
const ENDS_TABLES = new Set([
  'SELECT',
  'VALUES',
  'WHERE',
  'GROUP',
  'HAVING',
  'WINDOW',
  'ORDER',
  'LIMIT',
  'UNION',
  'EXCEPT',
  'INTERSECT',
  'SET',
  'RETURNING',
]);

/**
 * The tokens that stand where SQLite reads a table's name, the last part of `schema.table`: after FROM and JOIN, behind a comma or a parenthesis of such a list, and
 * in `x IN table`. Table-valued functions and CTEs are among them; values, columns and aliases are not.
 */
export function tablesRead(tokens: readonly Token[]): Token[] {
  const found: Token[] = [];
  /** For each open parenthesis, the text itself first: whether a list of tables is being read in it. */
  const lists = [false];
  let isNext = false;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token === undefined) break;
    const { kind, text } = token;
    if (kind === 'operator') {
      if (text === '(') lists.push(isNext);
      else if (text === ')') lists.pop();
      isNext = text === '(' ? isNext : text === ',' && lists.at(-1) === true;
    } else if (kind === 'word' && (text === 'FROM' || text === 'JOIN') && tokens[index - 1]?.text !== 'DISTINCT') {
      lists[lists.length - 1] = true;
      isNext = true;
    } else if (kind === 'word' && ENDS_TABLES.has(text)) {
      lists[lists.length - 1] = false;
      isNext = false;
    } else if (kind === 'word' && text === 'IN') {
      isNext = tokens[index + 1]?.text !== '(';
    } else if (isNext) {
      if (tokens[index + 1]?.text === '.') index += 2;
      found.push(tokens[index] ?? token);
      isNext = false;
    }
  }
  return found;
}
