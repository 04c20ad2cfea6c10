import { tokenize } from './tokenize.ts';

/** Whether a name stands in the text that may be that column's: quoted or bare, in whatever case. */
export const mentions = (sql: string, column: string): boolean =>
  tokenize(sql).some(({ kind, text }) => {
    const bare = kind === 'name' ? text.slice(1, -1).replaceAll('""', '"') : text;
    return (kind === 'name' || kind === 'word') && asciiLower(bare) === asciiLower(column);
  });

/** SQLite folds these letters and no others. */
const asciiLower = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
