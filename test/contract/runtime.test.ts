import { silentLogger } from '@alcove/core/runtime/logger';
import { createBrowserRuntime } from '../../packages/client/src/worker/browser-runtime.ts';
import { createNodeRuntime } from '../../packages/server/src/host/node/node-runtime.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { runtimeContract } from './runtime-contract.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

runtimeContract('node', () => ({ runtime: createNodeRuntime({ log: silentLogger }), pass: wait }));

// What it is made of is in Node too.
runtimeContract('browser', () => ({ runtime: createBrowserRuntime({ log: silentLogger }), pass: wait }));

runtimeContract('fake', () => {
  const runtime = new FakeRuntime();
  return { runtime, pass: (ms) => runtime.advanceAsync(ms) };
});
