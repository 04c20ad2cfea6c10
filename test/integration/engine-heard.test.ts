import { decodeClientMessage } from '@alcove/core/protocol/codec';
import { expect, it } from 'vitest';
import { BusyRuntime } from '../fake/busy-runtime.ts';
import { EngineWorld } from '../fake/engine-world.ts';

it('[OB-8] the room hears of a heard rejection after the page, however many queries the page waits for', async () => {
  const world = new EngineWorld();
  const order: string[] = [];
  // Each query takes a turn of its own.
  const runtime = new BusyRuntime(0.4, { seed: 'a', time: world.time });
  const page = world.tab('a', {
    runtime,
    limits: { stepBudgetMs: 1 },
    openSocket: (url, handlers) => {
      const socket = world.server.openSocket(url, handlers);
      const send = (frame: string | Uint8Array): void => {
        const message = decodeClientMessage(frame, runtime, { messageBytesMax: 1_000_000 });
        if (message?.type === 'heard') order.push(`heard ${message.upTo}`);
        socket.send(frame);
      };
      return { bufferedAmount: 0, close: (code, reason) => socket.close(code, reason), send };
    },
    onNotices: (notices) => {
      for (const notice of notices) if (notice.type === 'settled') order.push(`told ${notice.mutationId} ${notice.outcome}`);
      page.take(notices);
    },
  });
  const other = world.tab('b');
  await world.quiet();
  for (let index = 0; index < 6; index++) page.watch(`q${index}`, `SELECT count(*), ${index} FROM lists`);
  await world.quiet();
  other.mutate('addList', { id: 'x', name: 'taken' });
  page.mutate('addList', { id: 'y', name: 'taken' });
  await world.until(() => order.length > 1, 'the rejection is told and heard');
  expect(order).toEqual(['told 1 rejected', 'heard 1']);
  world.close();
});

it('[OB-8][WK-2] what a dying worker had told and the page never heard is told again by the next one, with its own outcome', async () => {
  const world = new EngineWorld();
  const other = world.tab('b');
  await world.quiet();
  // Its notices are on their way when it ends: none arrives.
  let told = 0;
  const dying = world.tab('a', {
    groupId: 'g',
    onNotices: (notices) => {
      told += notices.filter(({ type }) => type === 'settled').length;
    },
  });
  await world.quiet();
  const calls = [
    { id: 'y', name: 'taken' },
    { id: 'z', name: 'free' },
  ];
  other.mutate('addList', { id: 'x', name: 'taken' });
  for (const call of calls) dying.mutate('addList', call);
  await world.until(() => told === 2, 'both are told into the void');
  await world.quiet();
  dying.engine.close();
  await world.quiet();
  const next = world.tab('a', { groupId: 'g', life: 2, start: false });
  next.engine.adopt(
    [{ clientId: 'a', lastMutationId: 2, confirmed: 0, welcomed: 0 }],
    calls.map((args, index) => ({ clientId: 'a', mutationId: index + 1, name: 'addList', args, seed: 's', nowMs: 1 })),
  );
  next.engine.start();
  await world.until(() => next.settled.length === 2, 'the next engine tells them');
  expect(next.settled).toEqual(['1:constraint_failed', '2:applied']);
  expect(world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['x'], ['z']]);
  world.close();
});
