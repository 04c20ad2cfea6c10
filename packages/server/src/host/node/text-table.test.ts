import { expect, test } from 'vitest';
import { textTable } from './text-table.ts';

test('[HO-44] a table of rows: numbers to the right, long cells cut, nothing that moves the terminal', () => {
  const rows = [
    ['a', 1, null, Uint8Array.of(1, 255)],
    ['two\nlines\u001b[2J', -12.5, '', new Uint8Array(20)],
    ['x'.repeat(70), 3, '🗾', null],
  ];
  expect(textTable(['name', 'n', 'text', 'blob'], rows)).toBe(
    [
      `name${' '.repeat(56)}      n  text  blob`,
      `${'─'.repeat(60)}  ${'─'.repeat(5)}  ${'─'.repeat(4)}  ${'─'.repeat(47)}`,
      `a${' '.repeat(59)}      1  NULL  x'01ff'`,
      `two\\nlines\\u001b[2J${' '.repeat(41)}  -12.5        x'${'00'.repeat(16)}…' (20 bytes)`,
      `${'x'.repeat(59)}…      3  🗾     NULL`,
      '',
    ].join('\n'),
  );
  expect(textTable(['n'], [])).toBe('n\n─\n');
});
