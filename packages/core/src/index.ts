/** What an app's shared room definition imports. Everything else in this package is internal. */
export { AlcoveError } from './error.ts';
export type { ErrorCode } from './error.ts';
export type { Json } from './json.ts';
export { mutator } from './schema/define-mutator.ts';
export type { Claims, MutatorContext, MutatorTx } from './schema/define-mutator.ts';
export { query } from './schema/define-query.ts';
export { defineRoom } from './schema/define-room.ts';
export type { AnyRoom, MutatorArgs, RoomDefinition } from './schema/define-room.ts';
export { isOneOf } from './schema/is-one-of.ts';
export type { RoomRules, RowCondition, RowRule, TableRules } from './schema/row-rules.ts';
export { counter, value } from './schema/values.ts';
