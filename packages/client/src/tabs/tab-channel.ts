import type { Mutation } from '@alcove/core/mutation/mutation';
import { clientIdField, countField, jsonField, nameField, ordinalField } from '@alcove/core/protocol/fields';
import * as v from 'valibot';
import type { VersionAt } from './sibling-mutations.ts';

/** What tabs of one place tell each other. Any of it may be lost, late or doubled: what is on the disk is looked at now and then. */
export type TabMessage =
  /** Mutations of a client of the sender's, and its client group; null: it has not spoken to the room yet. */
  | {
      readonly type: 'pending';
      readonly clientId: string;
      readonly groupId?: string | null | undefined;
      readonly confirmed: number;
      /** Version of its first welcome, where it had one. */
      readonly welcomed?: number | null | undefined;
      readonly mutations: readonly Mutation[];
    }
  /** They have ended up to there; `at` null: without a version of their own. */
  | { readonly type: 'confirmed'; readonly clientId: string; readonly confirmed: number; readonly at: VersionAt | null }
  /** Some were put aside: on the disk. */
  | { readonly type: 'rejections' }
  /** Those that were put aside under these names are on nobody's list any more. */
  | { readonly type: 'dismissed'; readonly keys: readonly string[] }
  /** The sender is there; unless it is an answer, whoever hears it says the same. */
  | { readonly type: 'here'; readonly isAnswer: boolean }
  /** Somebody came: whoever has something pending says so. */
  | { readonly type: 'who' }
  /** The sender has a session and would push what these left: whoever took one of them over and has none is to let it go. */
  | { readonly type: 'wanted'; readonly clientIds: readonly string[] }
  /** What waits to be written is to be written now: somebody is about to look at what would be lost. */
  | { readonly type: 'hurry' }
  /** What is kept is being removed: nothing of it may be kept again by another tab. `keeps`: unless something is pending: what waits to be written is written first. */
  | { readonly type: 'forget'; readonly keeps?: boolean | undefined };

export interface TabChannel {
  post(message: TabMessage): void;
  /** Idempotent. */
  close(): void;
}

/** Opens the way to the other tabs of that name; what they post comes to `onMessage` as it is: `tabMessageOf` checks it. */
export type OpenTabChannel = (name: string, onMessage: (message: unknown) => void) => TabChannel;

const mutation = v.object({
  clientId: clientIdField,
  mutationId: ordinalField,
  name: nameField,
  args: jsonField,
  seed: v.string(),
  nowMs: v.number(),
});

const tabMessage = v.variant('type', [
  v.object({
    type: v.literal('pending'),
    clientId: clientIdField,
    groupId: v.optional(v.nullable(clientIdField)),
    confirmed: countField,
    welcomed: v.optional(v.nullable(countField)),
    mutations: v.array(mutation),
  }),
  v.object({
    type: v.literal('confirmed'),
    clientId: clientIdField,
    confirmed: countField,
    at: v.nullable(v.object({ historyId: v.string(), version: countField })),
  }),
  v.object({ type: v.literal('rejections') }),
  v.object({ type: v.literal('dismissed'), keys: v.array(v.string()) }),
  v.object({ type: v.literal('here'), isAnswer: v.boolean() }),
  v.object({ type: v.literal('who') }),
  v.object({ type: v.literal('wanted'), clientIds: v.array(clientIdField) }),
  v.object({ type: v.literal('hurry') }),
  v.object({ type: v.literal('forget'), keeps: v.optional(v.boolean()) }),
]);

/** Null for what no tab of this build would say: another build's word is not ours to understand. */
export function tabMessageOf(message: unknown): TabMessage | null {
  const parsed = v.safeParse(tabMessage, message);
  return parsed.success ? parsed.output : null;
}
