import { AlcoveError } from '@alcove/core/error';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { ImageCache } from './image-cache.ts';
import type { BuiltImage, ImageKey, ImageWanted } from './image-cache.ts';

const key = (id = 'a', view = ''): ImageKey => ({ room: 'trip', id, historyId: 'h', schema: 's', view });
const wanted = (version: number, floor = 0, logBytes = 0): ImageWanted => ({ version, floor, logBytesSince: () => logBytes });
const image = (version: number, file: string, storedBytes = 10): BuiltImage => ({
  file,
  storedBytes,
  facts: { historyId: 'h', version, hash: '', schema: 's', view: '', bytes: 100, sha256: '', rows: 0 },
});

let builds: { key: ImageKey; done(built: BuiltImage): Promise<void>; fail(error: Error): Promise<void> }[];
let removed: string[];
let runtime: FakeRuntime;
let cache: ImageCache;
const settled = async (): Promise<void> => {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
};

beforeEach(() => {
  builds = [];
  removed = [];
  runtime = new FakeRuntime();
  cache = new ImageCache(
    {
      build: (asked) =>
        new Promise((resolve, reject) => {
          builds.push({
            key: asked,
            done: (built) => (resolve(built), settled()),
            fail: (error) => (reject(error), settled()),
          });
        }),
      remove: (file) => removed.push(file),
    },
    { cacheBytesMax: 25, buildsPendingMax: 2, retryMs: 1000 },
    runtime,
  );
});
const build = (index: number) => {
  const found = builds[index];
  if (found === undefined) throw new Error(`no build ${index}`);
  return found;
};

describe('ImageCache', () => {
  it('[HO-22] one build for all who ask while it runs', async () => {
    expect(cache.offer(key(), wanted(5))).toBe(5);
    expect(cache.offer(key(), wanted(9))).toBe(5);
    const leases = [cache.lease(key(), 5), cache.lease(key(), 5)];
    expect(builds).toHaveLength(1);
    await build(0).done(image(7, 'f1'));
    for (const lease of await Promise.all(leases)) expect(lease).toMatchObject({ file: 'f1', facts: { version: 7 } });
    expect(builds).toHaveLength(1);
  });

  it('[HO-22] an image is used again while the log since is at most half of it, and not from below the floor', async () => {
    cache.offer(key(), wanted(5));
    await build(0).done(image(5, 'f1'));
    expect(cache.offer(key(), wanted(20, 5, 50))).toBe(5);
    expect(builds).toHaveLength(1);
    expect(cache.offer(key(), wanted(20, 5, 51))).toBe(20);
    expect(builds).toHaveLength(2);
    await build(1).done(image(21, 'f2'));
    expect(removed).toEqual(['f1']);
    expect(cache.offer(key(), wanted(30, 22, 0))).toBe(30);
    expect(builds).toHaveLength(3);
  });

  it('[HO-22] each view, schema and history has its own', () => {
    cache.offer(key('a', 'v1'), wanted(1));
    cache.offer(key('a', 'v2'), wanted(1));
    expect(builds.map((one) => one.key.view)).toEqual(['v1', 'v2']);
  });

  it('a build that is older than what is asked for is followed by another', async () => {
    cache.offer(key(), wanted(5));
    const lease = cache.lease(key(), 8);
    await build(0).done(image(6, 'f1'));
    await build(1).done(image(9, 'f2'));
    expect(await lease).toMatchObject({ file: 'f2' });
  });

  it('[HO-22] past its bytes the least recently used goes, but not while it is read', async () => {
    for (const id of ['a', 'b']) {
      cache.offer(key(id), wanted(1));
      await build(builds.length - 1).done(image(1, id));
    }
    const lease = await cache.lease(key('a'), 1);
    cache.offer(key('c'), wanted(1));
    await build(2).done(image(1, 'c'));
    expect(removed).toEqual(['b']);
    cache.offer(key('d'), wanted(1));
    await build(3).done(image(1, 'd'));
    expect(removed).toEqual(['b']);
    lease.release();
    lease.release();
    expect(removed).toEqual(['b', 'a']);
    expect(cache.storedBytes).toBe(20);
  });

  it('[HO-22] an image larger than the bound is still served', async () => {
    const lease = cache.lease(key(), 1);
    await build(0).done(image(1, 'huge', 1000));
    expect((await lease).file).toBe('huge');
    expect(removed).toEqual([]);
  });

  it('[HO-22] past the bound of builds none is offered, and a request is told so', async () => {
    cache.offer(key('a'), wanted(1));
    cache.offer(key('b'), wanted(1));
    expect(cache.offer(key('c'), wanted(1))).toBeNull();
    await expect(cache.lease(key('c'), 1)).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 1000 });
    await build(0).done(image(1, 'f1'));
    expect(cache.offer(key('c'), wanted(1))).toBe(1);
  });

  it('[HO-22] a failed build is told to who waits, and rests before it is offered again', async () => {
    cache.offer(key(), wanted(1));
    const lease = cache.lease(key(), 1).catch((error: unknown) => error);
    await build(0).fail(new AlcoveError('snapshot_failed', 'no room'));
    expect(await lease).toMatchObject({ code: 'snapshot_failed' });
    expect(cache.offer(key(), wanted(2))).toBeNull();
    runtime.advance(1001);
    expect(cache.offer(key(), wanted(2))).toBe(2);
  });

  it('a room that goes takes its images with it, also the one that is being built', async () => {
    cache.offer(key('a'), wanted(1));
    cache.offer(key('ab'), wanted(1));
    await build(1).done(image(1, 'ab'));
    cache.dropRoom('trip', 'a');
    await build(0).done(image(1, 'a'));
    expect(removed).toEqual(['a']);
    expect(cache.storedBytes).toBe(10);
  });
});
