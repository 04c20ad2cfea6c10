import { decodeClientMessage } from '@alcove/core/protocol/codec';
import { expect, it } from 'vitest';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';

it('[OB-18] an attempt that the connection broke off is told to the page; one that is answered costs no word', async () => {
  const world = new EngineWorld();
  const runtime = new FakeRuntime({ seed: 'a', time: world.time });
  let pushes = 0;
  const a = world.tab('a', {
    runtime,
    openSocket: (url, handlers) => {
      const socket = world.server.openSocket(url, handlers);
      const send = (frame: string | Uint8Array): void => {
        if (decodeClientMessage(frame, runtime, { messageBytesMax: 1_000_000 })?.type === 'push') pushes += 1;
        socket.send(frame);
      };
      return { bufferedAmount: 0, close: (code, reason) => socket.close(code, reason), send };
    },
  });
  await world.quiet();
  a.mutate('addList', { id: 'l1', name: 'one' });
  await world.quiet();
  expect([pushes, a.of('attempted')]).toEqual([1, []]);
  for (const times of [1, 2]) {
    world.server.silence('up');
    if (times === 1) for (const id of ['l2', 'l3']) a.mutate('addList', { id, name: id });
    await world.until(() => pushes === times + 1, 'it is on its way');
    world.server.cut();
    await world.until(() => a.of('attempted').length === times, 'it is told');
    await world.until(() => a.status.connection === 'live', 'it is connected again');
  }
  await world.quiet();
  expect(a.of('attempted')).toEqual([2, 2].map((from) => ({ type: 'attempted', clientId: 'a', from, upTo: 3, error: null })));
  expect(a.settled).toEqual(['1:applied', '2:applied', '3:applied']);
  world.close();
});
