import { describe, expect, it } from 'vitest';
import { columnType } from './column-type.ts';

describe('columnType', () => {
  it.each([
    ['text', 'text', 'BINARY'],
    ['integer', 'integer', 'BINARY'],
    ['BIGINT', 'integer', 'BINARY'],
    ['varchar(20)', 'text', 'BINARY'],
    ['double  precision', 'real', 'BINARY'],
    ['numeric( 10 , 2 )', 'numeric', 'BINARY'],
    ['blob', 'blob', 'BINARY'],
    ['date', 'numeric', 'BINARY'],
    ['text COLLATE NOCASE', 'text', 'NOCASE'],
    ['varchar(20) collate "rtrim"', 'text', 'RTRIM'],
    ['text collate binary', 'text', 'BINARY'],
    // SQLite looks for INT before anything else.
    ['charint', 'integer', 'BINARY'],
  ])('[SC-7] reads %j as %s %s', (type, affinity, collation) => {
    expect(columnType(type)).toMatchObject({ affinity, collation });
    expect(columnType(type).declared).not.toMatch(/collate/i);
  });

  it.each([
    '',
    '   ',
    'text NOT NULL',
    'text CHECK (1)',
    'text; DROP TABLE t',
    'text COLLATE UNICODE',
    'integer PRIMARY KEY',
    "text DEFAULT 'x'",
    'text(1',
    '"text"',
  ])('[SC-7] refuses %j', (type) => {
    expect(() => columnType(type)).toThrow(expect.objectContaining({ code: 'schema_invalid' }));
  });
});
