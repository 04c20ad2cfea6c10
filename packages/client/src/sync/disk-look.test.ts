import { describe, expect, it } from 'vitest';
import { clientOf, mutationOf } from '../../../../test/contract/storage-samples.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { VirtualTime } from '../../../../test/fake/virtual-time.ts';
import type { StoredOutbox } from '../storage/storage.ts';
import { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { DiskLook } from './disk-look.ts';

function world() {
  const time = new VirtualTime();
  const siblings = new SiblingMutations();
  const state = { kept: [] as string[], isReadable: true, looks: 0, asked: 0 };
  const outbox = async (): Promise<StoredOutbox | null> => {
    state.looks += 1;
    return state.isReadable ? { clients: state.kept.map((clientId) => clientOf(clientId)), mutations: [] } : null;
  };
  const ask = (): void => {
    state.asked += 1;
  };
  const look = new DiskLook({ runtime: new FakeRuntime({ time }), siblings, outbox, onSeen: () => undefined, ask });
  const shown = (): string[] => {
    siblings.settle({ historyId: 'h', version: 1 });
    return siblings.clientIds();
  };
  return { time, siblings, state, look, shown };
}

describe('looking at the disk', () => {
  it('[TB-2] comes sooner once something of another tab is shown, and ends what is gone from the disk', async () => {
    const { time, siblings, state, look, shown } = world();
    state.kept = ['a'];
    look.saw({ clients: [clientOf('a')] });
    look.later();
    await time.advanceAsync(1_000);
    siblings.add('a', 0, [mutationOf('a', 1)]);
    look.later();
    await time.advanceAsync(10_000);
    expect([state.looks, shown()]).toEqual([1, ['a']]);
    state.kept = [];
    await time.advanceAsync(10_000);
    expect([state.looks, shown()]).toEqual([2, []]);
  });

  it('[TB-2] what is known to end with a version that is still to be shown is shown until then, though the disk has nothing of it any more', async () => {
    const { time, siblings, state, look, shown } = world();
    state.kept = ['a'];
    look.saw({ clients: [clientOf('a')] });
    siblings.add('a', 0, [mutationOf('a', 1), mutationOf('a', 2)]);
    siblings.confirmed('a', 1, { historyId: 'h', version: 2 });
    look.later();
    state.kept = [];
    await time.advanceAsync(10_000);
    expect([shown(), siblings.pendingOf('a').map(({ mutationId }) => mutationId)]).toEqual([['a'], [1]]);
    siblings.settle({ historyId: 'h', version: 2 });
    expect(siblings.clientIds()).toEqual([]);
  });

  it('[TB-2] what came late of a tab that has given it up ends, and what a tab speaks for stays, though the disk has neither', async () => {
    const { time, siblings, state, look, shown } = world();
    siblings.add('late', 0, [mutationOf('late', 1)]);
    siblings.add('alive', 0, [mutationOf('alive', 1)]);
    look.later();
    state.isReadable = false;
    await time.advanceAsync(60_000);
    expect(shown()).toEqual(['late', 'alive']);
    state.isReadable = true;
    for (let looks = 0; looks < 4; looks += 1) {
      await time.advanceAsync(10_000);
      look.heard('alive');
    }
    expect([shown(), state.asked > 0]).toEqual([['alive'], true]);
    look.close();
    const { looks } = state;
    await time.advanceAsync(600_000);
    expect(state.looks).toBe(looks);
  });

  it('[TB-11] whoever reads it for clients that were there, and are not any more, ends them; others it leaves', () => {
    const { siblings, look, shown } = world();
    look.saw({ clients: [clientOf('a'), clientOf('b')] });
    for (const clientId of ['a', 'b', 'never there']) siblings.add(clientId, 0, [mutationOf(clientId, 1)]);
    look.found(['a', 'b', 'never there'], { clients: [clientOf('b')] });
    expect(shown()).toEqual(['b', 'never there']);
  });
});
