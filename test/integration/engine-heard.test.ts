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
