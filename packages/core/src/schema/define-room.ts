import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { RowOf } from '../sqlite/built-query.ts';
import { AlcoveError } from '../error.ts';
import { isObject, kindOf, type KeysOf, refuseUnknownKeys } from '../unknown-keys.ts';
import type { AnyMutator } from './define-mutator.ts';
import type { AnyQuery } from './define-query.ts';
import { type Migration, type MigrationInput, parseMigrations } from './migrations.ts';
import { roomModelOf } from './room-model-of.ts';
import type { RoomModel } from './room-model.ts';
import { parseRules, type RoomRules, type TableRule } from './row-rules.ts';
import type { CounterDefinition, ValueDefinition } from './values.ts';

/** Any Standard Schema whose `validate` is synchronous. */
export type AnyValidator = StandardSchemaV1<unknown, unknown>;
export type AnySchema = Readonly<Record<string, SQLiteTable>>;
export type AnyMutators = Readonly<Record<string, AnyMutator>>;
export type AnyValues = Readonly<Record<string, ValueDefinition | CounterDefinition>>;
export type AnyEphemeral = Readonly<Record<string, AnyValidator>>;
export type AnyQueries = Readonly<Record<string, AnyQuery>>;
/** What a room without any of a kind has. */
export type Nothing = Readonly<Record<never, never>>;

/** What an app's author hands to `defineRoom`. Server and browser load the same definition. */
export interface RoomConfig<
  Schema extends AnySchema,
  Mutators extends AnyMutators,
  Presence extends AnyValidator | undefined,
  Cursor extends AnyValidator | undefined,
  Values extends AnyValues,
  Ephemeral extends AnyEphemeral,
  Queries extends AnyQueries,
> {
  /** Names the kind of room in URLs, messages and directories: a letter, then up to 63 letters, digits, `_` or `-`. */
  readonly name: string;
  /** Drizzle tables by the names the app uses. Every one declares a primary key. */
  readonly schema: Schema;
  /** Tables that stay in the room: never in a tab, not captured. */
  readonly serverOnly?: readonly (keyof Schema & string)[];
  /** Tables made WITHOUT ROWID, which pays for small rows with text or composite keys. */
  readonly withoutRowid?: readonly (keyof Schema & string)[];
  /**
   * In order. Additive changes of the schema are derived, with or without them. A fresh room is made from `schema` and counts them all as run, so they seed
   * nothing. A column added later stands last on disk: raw SQL in mutators names its columns.
   */
  readonly migrations?: readonly (MigrationInput | Migration)[];
  /** What may be written, by name: made with `mutator`. Names have letters, digits, `_ . : -`, at most 128. */
  readonly mutators?: Mutators;
  /** Validator of what a session says of itself; without it nobody can set a presence. At most 4,000 bytes as JSON, as a cursor and an ephemeral state. */
  readonly presence?: Presence;
  /** Validator of a person's pointer; `{x, y}` in px where `useCursors().props` sets it. */
  readonly cursor?: Cursor;
  /** Debounced values and counters by name: made with `value` and `counter`. */
  readonly values?: Values;
  /** Validators of other short-lived state, by name. */
  readonly ephemeral?: Ephemeral;
  /** Reads on the server by name: made with `query`. Names are as those of mutators, without `.`, `:` and `-`. */
  readonly queries?: Queries;
  /** Who sees which rows and who may change them, by table; see docs/guides/access.md. Only the server asks them. */
  readonly rules?: RoomRules<Schema>;
}

const ROOM_CONFIG: KeysOf<RoomConfig<AnySchema, AnyMutators, undefined, undefined, AnyValues, AnyEphemeral, AnyQueries>> = {
  name: true,
  schema: true,
  serverOnly: true,
  withoutRowid: true,
  migrations: true,
  mutators: true,
  presence: true,
  cursor: true,
  values: true,
  ephemeral: true,
  queries: true,
  rules: true,
};

/** Another definition with some parts changed: what that one was made into besides is made anew. */
const SPREAD_DEFINITION = { ...ROOM_CONFIG, kind: true, model: true, tableRules: true } as const;

/** A room as the rest of Alcove knows it: frozen, checked, with its model. */
export interface RoomDefinition<
  Schema extends AnySchema = AnySchema,
  Mutators extends AnyMutators = AnyMutators,
  Presence extends AnyValidator | undefined = AnyValidator | undefined,
  Cursor extends AnyValidator | undefined = AnyValidator | undefined,
  Values extends AnyValues = AnyValues,
  Ephemeral extends AnyEphemeral = AnyEphemeral,
  Queries extends AnyQueries = AnyQueries,
> {
  /** Tells a definition from anything else. */
  readonly kind: 'room';
  /** As it was given; the name of the room in URLs, messages and directories. */
  readonly name: string;
  /** The Drizzle tables, server-only ones among them. */
  readonly schema: Schema;
  /** Tables, keys and columns as SQLite has them, and the schema id. Internal. */
  readonly model: RoomModel;
  /** In order, cut into statements. */
  readonly migrations: readonly Migration[];
  /** Look names up with `Object.hasOwn`. So for `values` and `ephemeral`. */
  readonly mutators: Mutators;
  /** The validator; undefined where the room has none. So for `cursor`. */
  readonly presence: Presence;
  readonly cursor: Cursor;
  readonly values: Values;
  readonly ephemeral: Ephemeral;
  readonly queries: Queries;
  /** As they were given. */
  readonly rules: RoomRules<Schema>;
  /** The same, checked, of the tables that have any in the order of the schema. Internal. */
  readonly tableRules: readonly TableRule[];
}

/** A room of any definition. */
export type AnyRoom = RoomDefinition;

/**
 * Defines a kind of room: its tables, what may be written to them, and its short-lived state. Frozen; holds nothing of any one room.
 * @throws AlcoveError `schema_invalid`, saying where and what to do.
 */
export function defineRoom<
  const Schema extends AnySchema,
  const Mutators extends AnyMutators = Nothing,
  const Presence extends AnyValidator | undefined = undefined,
  const Cursor extends AnyValidator | undefined = undefined,
  const Values extends AnyValues = Nothing,
  const Ephemeral extends AnyEphemeral = Nothing,
  const Queries extends AnyQueries = Nothing,
>(
  config: RoomConfig<Schema, Mutators, Presence, Cursor, Values, Ephemeral, Queries>,
): RoomDefinition<Schema, Mutators, Presence, Cursor, Values, Ephemeral, Queries> {
  checkConfig(config);
  const { serverOnly = [], withoutRowid = [] } = config;
  const model = roomModelOf(config.schema, { serverOnly, withoutRowid });
  return Object.freeze({
    kind: 'room',
    name: config.name,
    schema: Object.freeze({ ...config.schema }),
    // No part of the type, which they would tie to names of tables: here, so that a definition made of this one by `...` keeps its secrets.
    serverOnly: Object.freeze([...serverOnly]),
    withoutRowid: Object.freeze([...withoutRowid]),
    model,
    migrations: Object.freeze(parseMigrations(config.migrations ?? [])),
    // Where the config leaves a part out, its type parameter is that of the default: Nothing or undefined.
    mutators: Object.freeze({ ...config.mutators }) as Mutators,
    presence: config.presence as Presence,
    cursor: config.cursor as Cursor,
    values: Object.freeze({ ...config.values }) as Values,
    ephemeral: Object.freeze({ ...config.ephemeral }) as Ephemeral,
    queries: Object.freeze({ ...config.queries }) as Queries,
    rules: Object.freeze({ ...config.rules }) as RoomRules<Schema>, // a copy of what has that type
    tableRules: Object.freeze(parseRules({ schema: config.schema, model }, config.rules)),
  });
}

/** What the types say already, for callers that have none. */
function checkConfig(config: { readonly [Part in keyof typeof ROOM_CONFIG]?: unknown }): void {
  refuseUnknownKeys('schema_invalid', 'defineRoom', config, isObject(config) && 'kind' in config ? SPREAD_DEFINITION : ROOM_CONFIG);
  const { name, schema } = config;
  if (typeof name !== 'string' || !/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
    throw new AlcoveError(
      'schema_invalid',
      `the room name ${JSON.stringify(name)} is not a letter followed by up to 63 letters, digits, _ or -`,
    );
  }
  if (!isObject(schema)) throw wrongPart(name, 'schema', 'an object of Drizzle tables by name', schema);
  for (const part of ['mutators', 'values', 'ephemeral', 'queries'] as const) {
    const entries: unknown = config[part] ?? {};
    if (!isObject(entries)) throw wrongPart(name, part, 'an object by name', entries);
    checkNames(part, Object.keys(entries));
  }
  for (const part of ['serverOnly', 'withoutRowid', 'migrations'] as const) {
    const list: unknown = config[part] ?? [];
    if (!Array.isArray(list)) throw wrongPart(name, part, 'a list', list);
  }
  for (const [key, made] of Object.entries(config.mutators ?? {})) {
    if (kindIn(made) !== 'mutator') throw wrongPart(name, `mutators.${key}`, 'what `mutator` makes', made);
  }
  for (const [key, made] of Object.entries(config.queries ?? {})) {
    if (kindIn(made) !== 'query') throw wrongPart(name, `queries.${key}`, 'what `query` makes', made);
    if (!isQueryName(key))
      throw new AlcoveError('schema_invalid', `${JSON.stringify(key)} cannot be the name of a query`, {
        hint: 'Use a letter, then letters, digits or _ (128 at most), and no name every function has.',
      });
  }
  for (const [key, made] of Object.entries(config.values ?? {})) {
    if (!['value', 'counter'].includes(kindIn(made))) throw wrongPart(name, `values.${key}`, 'what `value` or `counter` makes', made);
  }
}

/** A query is a member of a function, `room.sql`. */
const isQueryName = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_]{0,127}$/.test(name) && !(name in Function.prototype);

/** Whether it was made by `defineRoom`: what is refused in plain words where a definition is expected. */
export const isRoom = (value: unknown): value is AnyRoom => kindIn(value) === 'room';

const kindIn = (value: unknown): string => (isObject(value) && 'kind' in value ? String(value.kind) : '');

const wrongPart = (room: string, part: string, wanted: string, given: unknown): AlcoveError =>
  new AlcoveError('schema_invalid', `${part} of the room ${JSON.stringify(room)} must be ${wanted}, and is ${kindOf(given)}`);

/** Names that objects have anyway, or that would make one look like a promise. */
const isTaken = (name: string): boolean => name === 'then' || name in Object.prototype;

function checkNames(part: string, names: readonly string[]): void {
  for (const name of names) {
    if (isTaken(name) || !/^[A-Za-z][A-Za-z0-9_.:-]{0,127}$/.test(name)) {
      throw new AlcoveError('schema_invalid', `${JSON.stringify(name)} cannot be a name in ${part}`, {
        hint: 'Use a letter, then letters, digits or _ . : - (128 at most), and no name every JavaScript object has.',
      });
    }
  }
}

export type SchemaOf<Room extends AnyRoom> = Room['schema'];
export type MutatorName<Room extends AnyRoom> = keyof Room['mutators'] & string;
/** What a caller hands to the mutator: the input of its validator, `undefined` where it takes none. */
export type MutatorArgs<Room extends AnyRoom, Name extends MutatorName<Room>> = StandardSchemaV1.InferInput<
  Room['mutators'][Name]['schema']
>;
/** `undefined` where the room declares no presence; so for cursors. */
export type PresenceOf<Room extends AnyRoom> = OutputOf<Room['presence']>;
export type CursorOf<Room extends AnyRoom> = OutputOf<Room['cursor']>;
export type ValueName<Room extends AnyRoom> = keyof Room['values'] & string;
export type ValueOf<Room extends AnyRoom, Name extends ValueName<Room>> =
  Room['values'][Name] extends ValueDefinition<infer _Input, infer Output>
    ? Output
    : Room['values'][Name] extends CounterDefinition
      ? number
      : never;
export type QueryName<Room extends AnyRoom> = keyof Room['queries'] & string;
/** What a caller hands to the query: the input of its validator, `undefined` where it takes none. */
export type QueryArgs<Room extends AnyRoom, Name extends QueryName<Room>> = StandardSchemaV1.InferInput<Room['queries'][Name]['schema']>;
/** A row of what it answers. */
export type QueryRow<Room extends AnyRoom, Name extends QueryName<Room>> = RowOf<ReturnType<Room['queries'][Name]['body']>>;
export type EphemeralName<Room extends AnyRoom> = keyof Room['ephemeral'] & string;
export type EphemeralOf<Room extends AnyRoom, Name extends EphemeralName<Room>> = OutputOf<Room['ephemeral'][Name]>;

type OutputOf<Validator> = Validator extends AnyValidator ? StandardSchemaV1.InferOutput<Validator> : undefined;
