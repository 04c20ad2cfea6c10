import type { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import { bookmarkOf } from '@alcove/core/protocol/bookmark';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { Outbox } from '../outbox/outbox.ts';
import { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { ENGINE_LIMITS } from './engine-limits.ts';
import { SessionFacts } from './engine-status.ts';
import { ServerReads } from './server-reads.ts';
import type { EngineRead } from './server-read.ts';

const mutation = (clientId: string, mutationId: number): Mutation => ({
  clientId,
  mutationId,
  name: 'add',
  args: null,
  seed: 's',
  nowMs: 1,
});
const count: EngineRead = { ask: { sql: 'select 1', params: [] }, at: null, waitMs: 2_000, route: {} };

const answer = (request: number, columns: string[], cells: number[][], bookmark: string = bookmarkOf({ historyId: 'h', version: 5 })) =>
  ({ type: 'readRows', request, columns, cells, bookmark, truncated: false, replica: 'r', lagVersions: 0, lagMs: 0, tookMs: 1 }) as const;

function set() {
  const runtime = new FakeRuntime();
  const sent: ClientMessageInput[] = [];
  const outbox = new Outbox(ENGINE_LIMITS);
  outbox.addClient({ clientId: 'me', confirmed: 0, welcomed: null });
  const reads: ServerReads = new ServerReads({
    runtime,
    limits: ENGINE_LIMITS,
    outbox,
    siblings: new SiblingMutations(),
    send: (message) => sent.push(message) > 0,
    obstacle: () => null,
    held: () => ({ historyId: 'h', version: 4 }),
    messageBytesMax: () => 1_000,
    wake: () => reads.work(),
  });
  return { runtime, sent, outbox, reads };
}

it('[RD-41] waits for what is called again under another client, where the room forgot the one before', async () => {
  const { outbox, reads, sent } = set();
  outbox.add(mutation('me', 1), 1);
  const rows = reads.read(1, count);
  outbox.welcome({ historyId: 'h', version: 4, clients: [{ clientId: 'me', lastMutationId: 0, state: 'unknown' }] }, false);
  outbox.takeStopped();
  // As a page does: issued again, then dropped under the old name.
  outbox.addClient({ clientId: 'again', confirmed: 0, welcomed: null });
  outbox.add(mutation('again', 1), 1);
  outbox.discard('me');
  reads.discarded('me');
  reads.work();
  expect(sent).toEqual([]);
  outbox.takeResults([{ clientId: 'again', mutationId: 1, status: 'applied', version: 5 }]);
  outbox.settle(5);
  reads.work();
  expect(sent).toMatchObject([{ type: 'read', request: 1, at: bookmarkOf({ historyId: 'h', version: 4 }) }]);
  reads.take(answer(1, ['1'], [[1]]));
  expect((await rows).rows).toEqual([[1]]);
});

it('[RD-40] an answer that is none fails its read alone', async () => {
  const { reads } = set();
  const failed: AlcoveError[] = [];
  const first = reads.read(1, count).catch((error: AlcoveError) => failed.push(error));
  const second = reads.read(2, count).catch((error: AlcoveError) => failed.push(error));
  reads.take(answer(1, ['a', 'b'], [[1]]));
  reads.take(answer(2, ['a', 'b'], [[1], [2]], 'yesterday'));
  await Promise.all([first, second]);
  expect(failed.map(({ code }) => code)).toEqual(['bad_message', 'bad_message']);
});

it('[RD-41] goes by the welcome before a snapshot, and while another history is shown', () => {
  const facts = new SessionFacts();
  expect(facts.held({ historyId: 'h', version: 9 })).toBeNull();
  facts.welcome({ sessionId: 's', historyId: 'h', version: 7, serverNowMs: 0 }, 0);
  expect(facts.held(null)).toEqual({ historyId: 'h', version: 7 });
  expect(facts.held({ historyId: 'h', version: 9 })).toEqual({ historyId: 'h', version: 9 });
  expect(facts.held({ historyId: 'older', version: 90 })).toEqual({ historyId: 'h', version: 7 });
});
