import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { ConfirmedPosts } from './confirmed-posts.ts';
import type { TabMessage } from './tab-channel.ts';

const at = (version: number) => ({ historyId: 'history', version });

it('[TB-6] says the newest word of each client ten times a second at most, and at once when it is asked to', () => {
  const runtime = new FakeRuntime();
  const posted: TabMessage[] = [];
  const posts = new ConfirmedPosts(runtime, (message) => posted.push(message));
  for (let id = 1; id <= 50; id += 1) {
    posts.add('a', id, at(id));
    posts.add('b', id, at(id));
    runtime.advance(1);
  }
  expect(posted).toEqual([]);
  runtime.advance(50);
  expect(posted).toEqual([
    { type: 'confirmed', clientId: 'a', confirmed: 50, at: at(50) },
    { type: 'confirmed', clientId: 'b', confirmed: 50, at: at(50) },
  ]);
  posts.add('a', 51, at(51));
  posts.flush();
  runtime.advance(1_000);
  expect(posted.slice(2)).toEqual([{ type: 'confirmed', clientId: 'a', confirmed: 51, at: at(51) }]);
  posts.again();
  expect(posted.slice(3)).toEqual([
    { type: 'confirmed', clientId: 'b', confirmed: 50, at: at(50) },
    { type: 'confirmed', clientId: 'a', confirmed: 51, at: at(51) },
  ]);
});
