import { expect, it } from 'vitest';
import { CollectingLogger } from '../../../../../test/fake/collecting-logger.ts';
import { FakeRuntime } from '../../../../../test/fake/fake-runtime.ts';
import { RefusedOrigins } from './refused-origins.ts';

const host = 'app.example:8787';

it('[CN-45] an origin is told of once a minute, with the host it asked and the option', () => {
  const [log, runtime] = [new CollectingLogger(), new FakeRuntime()];
  const refused = new RefusedOrigins(log, runtime);
  refused.tell({ origin: 'http://localhost:5173', host });
  runtime.advance(59_999);
  refused.tell({ origin: 'http://localhost:5173', host });
  refused.tell({ origin: 'https://b.example', host });
  expect(log.entries.map(({ fields }) => fields)).toEqual([
    { origin: 'http://localhost:5173', host },
    { origin: 'https://b.example', host },
  ]);
  expect(log.entries[0]?.message).toContain('`origins`');
  runtime.advance(1);
  for (const origin of ['http://localhost:5173', 'https://b.example']) refused.tell({ origin, host });
  expect(log.entries.at(-1)?.fields).toEqual({ origin: 'http://localhost:5173', host });
  expect(log.entries).toHaveLength(3);
});

it('[CN-45] names that are made up fill neither memory nor log', () => {
  const [log, runtime] = [new CollectingLogger(), new FakeRuntime()];
  const refused = new RefusedOrigins(log, runtime);
  for (let i = 0; i < 5_000; i++) refused.tell({ origin: `https://${i}.${'x'.repeat(10_000)}`, host });
  expect(log.entries).toHaveLength(100);
  expect(JSON.stringify(log.entries).length).toBeLessThan(100_000);
  runtime.advance(60_000);
  refused.tell({ origin: 'https://mine.example', host });
  expect(log.entries.at(-1)?.fields).toMatchObject({ origin: 'https://mine.example' });
});
