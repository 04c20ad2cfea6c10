import { PUSH_MUTATIONS_MAX } from '@alcove/core/protocol/client-message';
import { clientIdField, codeField, idField, jsonField, keyField, nameField, opaqueField, waitField } from '@alcove/core/protocol/fields';
import { wireCell, wireCells, wireRows, wireTableChanges } from '@alcove/core/protocol/wire-changes';
import type { WireCell, WireRows, WireTableChanges } from '@alcove/core/protocol/wire-changes';
import { isStorableText } from '@alcove/core/sqlite/identifier';
import { fc } from '../fake/properties.ts';
import type * as v from 'valibot';

type Schema = v.GenericSchema;

const ID_CHARACTERS = [...'ABCXYZabcxyz0189_:.~-'];

const id = fc.string({ unit: fc.constantFrom(...ID_CHARACTERS), minLength: 1, maxLength: 128 });
/** Text with everything in it that trips parsers: NUL, separators, quotes, backslashes, emoji, right-to-left marks. */
const text = (minLength: number, maxLength: number) =>
  fc
    .string({
      unit: fc.oneof(
        fc.constantFrom('\0', '\u2028', '"', '\\', '\ufeff', '\u202e', '👩', '\n', '__proto__'),
        fc.string({ unit: 'binary', maxLength: 1 }),
      ),
      minLength,
      maxLength: Math.min(maxLength, 12),
    })
    .filter((string) => string.length >= minLength && string.length <= maxLength);

/** JSON as an app may hand it over: no member `__proto__`, no -0 (it becomes 0). */
export const appJson: fc.Arbitrary<fc.JsonValue> = fc
  .jsonValue({ maxDepth: 5, stringUnit: 'binary' })
  .map((value) => JSON.parse(JSON.stringify(value, (key, member: unknown) => (key === '__proto__' ? undefined : member)) ?? 'null'));

const cell: fc.Arbitrary<WireCell> = fc.oneof(
  fc.constant(null),
  fc.maxSafeInteger(),
  fc.double({ noDefaultInfinity: true, noNaN: true }).map((number) => number + 0),
  text(0, 12),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => ({ b: btoa(String.fromCharCode(...bytes)) })),
  fc.constantFrom({ r: 'Infinity' } as const, { r: '-Infinity' } as const, { r: '-0' } as const),
);

const names = fc.uniqueArray(text(1, 12), { minLength: 1, maxLength: 4 });
const cells = (columns: number, rows: number) =>
  fc.array(fc.array(cell, { minLength: rows, maxLength: rows }), { minLength: columns, maxLength: columns });
const rowCount = fc.nat({ max: 4 });

const arbitraryRows: fc.Arbitrary<WireRows> = fc
  .tuple(text(1, 12), names, rowCount)
  .chain(([table, columns, rows]) =>
    fc.record({ table: fc.constant(table), columns: fc.constant(columns), cells: cells(columns.length, rows) }),
  );

const arbitraryChanges: fc.Arbitrary<WireTableChanges> = fc
  .tuple(text(1, 12), names, rowCount, rowCount)
  .chain(([table, columns, puts, deletes]) => {
    const key = columns.slice(0, 1);
    return fc.record({
      table: fc.constant(table),
      columns: fc.constant(columns),
      puts: cells(columns.length, puts),
      key: fc.constant(key),
      deletes: cells(key.length, deletes),
    });
  });

/** Fields whose schema says too little of what they take: by identity. */
const FIELDS = new Map<unknown, fc.Arbitrary<unknown>>([
  [idField, id],
  [clientIdField, id],
  [nameField, text(1, 128).filter(isStorableText)],
  [keyField, text(0, 256).filter(isStorableText)],
  [opaqueField, text(0, 512)],
  [jsonField, appJson],
  [codeField, fc.constantFrom('forbidden', 'internal', 'mutator_failed')],
  [wireRows, arbitraryRows],
  [wireTableChanges, arbitraryChanges],
  [wireCell, cell],
  [wireCells, fc.tuple(fc.nat({ max: 3 }), rowCount).chain(([columns, rows]) => cells(columns, rows))],
  [waitField, fc.integer({ min: 0, max: 60_000 })],
]);

interface Node {
  readonly type: string;
  readonly pipe?: readonly Node[];
  readonly entries?: Record<string, Schema>;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly literal?: unknown;
  readonly options?: readonly unknown[];
  readonly requirement?: unknown;
}

/** Arbitrary input of a wire schema: every message a peer could send, absent optional fields included. */
export function arbitraryOf(schema: Schema): fc.Arbitrary<unknown> {
  const known = FIELDS.get(schema);
  if (known !== undefined) return known;
  const node = schema as unknown as Node; // valibot's schemas say what they are made of, and its types do not
  const base = node.pipe?.[0];
  switch (node.type) {
    case 'object':
      return arbitraryObject(node.entries ?? {});
    case 'nullable':
      return fc.option(wrapped(node), { nil: null });
    case 'array':
      return fc.array(item(base ?? node), { minLength: bound(node, 'min_length') ?? 0, maxLength: 3 }).filter(passesChecks(node));
    case 'string':
      return text(0, 12);
    case 'boolean':
      return fc.boolean();
    case 'number':
      return has(node, 'safe_integer')
        ? fc.oneof(
            fc.integer({ min: 1, max: 5 }),
            fc.maxSafeNat().map((count) => Math.max(count, 1)),
          )
        : fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0);
    case 'literal':
      return fc.constant(node.literal);
    case 'picklist':
      return fc.constantFrom(...(node.options ?? []));
    case 'variant':
      return fc.oneof(...(node.options ?? []).map((option) => arbitraryOf(option as Schema))); // a variant's options are schemas
    case 'custom':
      return fc.constant({ claim: 1, constructor: 'kept' });
    default:
      throw new TypeError(`no arbitrary for a schema of type ${node.type}`);
  }
}

function arbitraryObject(entries: Record<string, Schema>): fc.Arbitrary<unknown> {
  const required = Object.keys(entries).filter((key) => entries[key]?.type !== 'optional');
  const model = Object.fromEntries(
    Object.entries(entries).map(([key, entry]) => [
      key,
      entry.type === 'optional' ? wrapped(entry as unknown as Node) : arbitraryOf(entry),
    ]), // as above
  );
  return fc.record(model, { requiredKeys: required });
}

const wrapped = (node: Node): fc.Arbitrary<unknown> => (node.wrapped === undefined ? fc.constant(null) : arbitraryOf(node.wrapped));
const item = (node: Node): fc.Arbitrary<unknown> => (node.item === undefined ? fc.constant(null) : arbitraryOf(node.item));
const has = (node: Node, type: string): boolean => node.pipe?.some((step) => step.type === type) ?? false;

function bound(node: Node, type: string): number | undefined {
  const requirement = node.pipe?.find((step) => step.type === type)?.requirement;
  return typeof requirement === 'number' ? requirement : undefined;
}

/** Conditions on the whole, such as clients named once. */
const passesChecks =
  (node: Node) =>
  (items: unknown[]): boolean =>
    (node.pipe ?? []).every((step) => step.type !== 'check' || typeof step.requirement !== 'function' || step.requirement(items) === true);

/** A push that is as large as a push may be. */
export const fullPush = (clientId: string) => ({
  type: 'push' as const,
  mutations: Array.from({ length: PUSH_MUTATIONS_MAX }, (_, index) => ({ clientId, mutationId: index + 1, name: 'addStop', args: null })),
});
