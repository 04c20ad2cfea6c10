import { describe, expect, it } from 'vitest';
import type { ColumnModel, TableModel } from './room-model.ts';
import { canonicalJson, schemaIdOf } from './schema-id.ts';

const column = (name: string, more: Partial<ColumnModel> = {}): ColumnModel => ({
  name,
  type: 'text',
  notNull: false,
  defaultSql: null,
  generated: null,
  ...more,
});
const table = (name: string, more: Partial<TableModel> = {}): TableModel => ({
  name,
  columns: [column('id', { notNull: true }), column('a'), column('b')],
  key: ['id'],
  withoutRowid: false,
  serverOnly: false,
  uniques: [],
  checks: [],
  foreignKeys: [],
  indexes: [
    { name: 'i', unique: false, columns: ['"a"'], where: null },
    { name: 'j', unique: true, columns: ['"b"'], where: null },
  ],
  ...more,
});
const base = schemaIdOf([table('t'), table('u')]);

describe('schemaIdOf', () => {
  it('[SC-9] is 64 characters of hex, and the same in every release', () => {
    expect(schemaIdOf([table('t')])).toBe('5cd4dec145fe8fe26eb8812569f639f4d737b5bb6edb8c912799a090580bc8de');
  });

  it('[SC-9] does not depend on any order, nor on server-only tables', () => {
    const { columns, indexes } = table('t');
    expect(schemaIdOf([table('u'), table('t', { columns: [...columns].reverse(), indexes: [...indexes].reverse() })])).toBe(base);
    expect(schemaIdOf([table('t'), table('u'), table('s', { serverOnly: true })])).toBe(base);
  });

  it('[SC-9] does not depend on the spelling of SQL, names of checks, or UNIQUE written as an index', () => {
    const a = table('t', { checks: [{ name: 'c', sql: '"t"."a" > 1' }], uniques: [{ name: 'k', columns: ['a', 'b'] }] });
    const b = table('t', {
      checks: [{ name: 'd', sql: 'A>1' }],
      indexes: [...table('t').indexes, { name: 'k', unique: true, columns: ['`a`', 'b'], where: null }],
    });
    expect(schemaIdOf([a])).toBe(schemaIdOf([b]));
  });

  it.each<[string, Partial<TableModel>]>([
    ['a column more', { columns: [...table('t').columns, column('c')] }],
    ['another type', { columns: [column('id', { notNull: true }), column('a', { type: 'integer' }), column('b')] }],
    ['another default', { columns: [column('id', { notNull: true }), column('a', { defaultSql: '1' }), column('b')] }],
    ['another key', { key: ['id', 'a'] }],
    ['WITHOUT ROWID', { withoutRowid: true }],
    ['an index less', { indexes: [] }],
    ['a check', { checks: [{ name: 'c', sql: 'a > 1' }] }],
    ['server-only', { serverOnly: true }],
  ])('[SC-9] differs with %s', (_name, more) => {
    expect(schemaIdOf([table('t', more), table('u')])).not.toBe(base);
  });

  it('[SC-9] keeps the order of a key and of an index', () => {
    const composite = (key: string[]): string => schemaIdOf([table('t', { key })]);
    expect(composite(['id', 'a'])).not.toBe(composite(['a', 'id']));
  });
});

describe('canonicalJson', () => {
  it('orders keys at every depth and leaves lists as they are', () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
  });
});
