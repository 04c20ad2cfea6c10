import { gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { createFollower, createServer } from '@alcove/server/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guarded } from './guarded-room.ts';
import { HostFixture } from './host-fixture.ts';
import type { Message, PlainClient } from './plain-client.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

/** Begins every text that only its owner may see, keys too, so that ten characters of it are known; the engine's errors quote no more. */
const MARK = 'QX7';
const PRICE = 7_700_177_001;
/** What overflowAll makes of it. */
const OVERFLOWN = (BigInt(PRICE) + 9_007_199_254_740_991n).toString();
const secret = (at: number | string) => ({
  id: `${MARK}id-${at}`,
  slug: `${MARK}slug-${at}`,
  body: `${MARK}body-${at}`,
  diary: `${MARK}diary-${at}`,
});

/** As it stands in a file of SQLite's: big-endian, in as few of its sizes of bytes as hold it. */
const priceInFile = Buffer.from(BigInt(PRICE).toString(16).padStart(12, '0'), 'hex');

function quotes(bytes: Buffer): string[] {
  const text = bytes.toString('latin1');
  const found = [MARK, String(PRICE), OVERFLOWN].filter((needle) => text.includes(needle));
  return bytes.includes(priceInFile) ? [...found, 'the price, in binary'] : found;
}

/** A peer whose every frame is kept as it came. */
class Listener {
  readonly client: PlainClient;
  readonly frames: Buffer[] = [];

  static async join(url: string, token: string, more: Record<string, unknown> = {}): Promise<Listener> {
    const listener = new Listener(host.client(url));
    await listener.client.opened();
    listener.client.hello('r1', { room: 'guarded', token, ...more });
    const { hydration, image } = await listener.client.heard('welcome');
    if (hydration !== 'resume' && image == null) await listener.client.heard('snapshotEnd');
    return listener;
  }

  private constructor(client: PlainClient) {
    this.client = client;
    client.socket.on('message', (bytes: Buffer) => this.frames.push(bytes));
  }

  get quoted(): string[] {
    return quotes(Buffer.concat(this.frames));
  }

  async do(name: string, args: unknown = null): Promise<{ code: string; version: number }> {
    const { code, status, version } = await this.client.result(this.client.push(name, args));
    return { code: code ?? status, version };
  }

  /** Heard of everything up to a version, whether it held something for it or not. */
  async reach(version: number): Promise<void> {
    this.client.say({ type: 'ping' });
    await this.client.heard('pong', (pong) => Number(pong.version) >= version);
  }

  /** Where it could go on. */
  get resume(): Record<string, unknown> {
    const welcome = this.client.messages.find(({ type }) => type === 'welcome');
    const last = this.client.messages.findLast(({ type }) => type === 'commit' || type === 'snapshotBegin');
    return { historyId: welcome?.historyId, view: welcome?.['view'], version: last?.['to'] ?? last?.version, hash: last?.hash };
  }

  async offer(): Promise<{ readonly path: string; readonly ticket: string }> {
    const { image } = await this.client.heard('welcome');
    if (image == null) throw new Error('no image was offered');
    return image;
  }

  /** Every form in which its image can be had; `path` may be another's. */
  async image(url: string, path?: string): Promise<Buffer> {
    const offer = await this.offer();
    const address = new URL(path ?? offer.path, url.replace(/^ws/, 'http')).href;
    const parts: Buffer[] = [];
    for (const [method, encoding] of [
      ['GET', 'gzip'],
      ['GET', 'identity'],
      ['HEAD', 'gzip'],
    ] as const) {
      const answer = await fetch(address, { method, headers: { authorization: `Bearer ${offer.ticket}`, 'accept-encoding': encoding } });
      expect(answer.status).toBe(200);
      const body = Buffer.from(await answer.arrayBuffer());
      parts.push(
        body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body,
        Buffer.from(JSON.stringify([...answer.headers].filter(([name]) => name !== 'date'))),
      );
    }
    return Buffer.concat(parts);
  }
}

const limits = { imageRoomBytesMin: 0, mutatorTimeBudgetMs: 60_000, catchUpVersionsMax: 3 };
const token = 'a-follower-token-of-this-test';

/** Where the tabs connect. */
type Place = 'the server' | 'a follower of it';

async function serve(place: Place): Promise<string> {
  const server = await createServer({
    rooms: [guarded],
    dataDir: host.dataDir,
    port: 0,
    signals: false,
    log: host.log,
    authenticate: (token) => {
      const [sub = '', role] = String(token).split('/');
      return role === undefined ? { sub } : { sub, role };
    },
    followers: { token },
    limits,
  });
  const { url } = host.add(server);
  if (place === 'the server') return url;
  const dataDir = join(host.dataDir, 'follower');
  const follower = await createFollower({ rooms: [guarded], dataDir, from: url, token, port: 0, readers: 1, log: host.log, limits });
  return host.add(follower).url;
}

/** Ann's: one hidden, one shared, of which two columns are hidden. */
async function begin(ann: Listener): Promise<void> {
  await ann.do('put', { ...secret(1), owner: 'ann', shared: false, price: PRICE });
  await ann.do('put', { id: 'open', owner: 'ann', shared: true, slug: 'open', body: '"fine"', price: PRICE, diary: secret(2).diary });
}

/** Hidden rows come, change and go, and rows that are shared come out of hiding and go back. Gives the version of the last change. */
async function live(ann: Listener, round: string): Promise<number> {
  await ann.do('put', { ...secret(round), owner: 'ann', shared: false, price: PRICE });
  await ann.do('put', { id: secret(round).id, owner: 'ann', shared: false, diary: `${secret(round).diary} again` });
  const row = { id: `turn-${round}`, owner: 'ann', slug: `turn-${round}`, price: PRICE, diary: secret(round).diary };
  await ann.do('put', { ...row, shared: true, body: '"seen"' });
  await ann.do('put', { ...row, shared: false, slug: secret(`${round}-turn`).slug, body: secret(round).body });
  await ann.do('put', { ...row, shared: true, body: '"seen again"' });
  await ann.do('put', { ...row, shared: false, body: secret(round).body });
  const { version } = await ann.do('put', { ...row, id: `stays-${round}`, slug: `stays-${round}`, shared: true, body: '"seen"' });
  return version;
}

/** Each a way to what is hidden, had it been one. */
const READS = [
  'SELECT * FROM notes',
  'SELECT price, diary FROM main.notes',
  "SELECT group_concat(diary), sum(price) FROM notes WHERE owner = 'ann'",
  'SELECT count(*) FROM notes WHERE json(diary) IS NOT NULL',
  'SELECT abs(price + 9007199254740991) FROM notes',
  "SELECT * FROM notes WHERE slug LIKE 'Q%' OR id > 'Q'",
  'SELECT * FROM alcove_log',
  'SELECT * FROM sqlite_schema',
  'SELECT record FROM main.alcove_log',
];

const codesIn = (messages: readonly Message[]): unknown[] => messages.flatMap(({ results }) => results?.map(({ code }) => code) ?? []);

const PLACES: readonly Place[] = ['the server', 'a follower of it'];

describe.each(PLACES)('rows and columns that a reader at %s may not see', (place) => {
  it('[AC-20][AC-21][FO-14] are in nothing it is sent: rows, stream, catch-up, a fresh snapshot under other claims', async () => {
    const url = await serve(place);
    const ann = await Listener.join(url, 'ann');
    await begin(ann);
    const eve = await Listener.join(url, 'eve');
    await eve.reach(await live(ann, 'stream'));
    eve.client.cut();
    const version = await live(ann, 'catch-up');
    const back = await Listener.join(url, 'eve', { clientId: eve.client.clientId, resume: eve.resume });
    expect((await back.client.heard('welcome'))['hydration']).toBe('resume');
    await back.reach(version);
    back.client.say({ type: 'auth', token: 'eve/nobody' });
    await back.client.heard('snapshotEnd');
    back.client.say({ type: 'auth', token: 'eve' });
    await back.client.until(() => back.client.messages.filter(({ type }) => type === 'snapshotEnd').length === 2, 'a second snapshot');
    await back.reach(await live(ann, 'later'));

    expect(ann.quoted).toEqual([MARK, String(PRICE)]); // whose notes they are hears of them
    for (const listener of [eve, back]) {
      expect(listener.frames.toString()).toContain('seen again'); // it was told what it may see
      expect(listener.quoted).toEqual([]);
    }
  });

  it('[AC-20][AC-21][FO-14] are in no image it can fetch, in whatever form, and its ticket opens no other', async () => {
    const url = await serve(place);
    const ann = await Listener.join(url, 'ann');
    await begin(ann);
    await live(ann, 'image');
    const again = await Listener.join(url, 'ann', { snapshots: ['image'] });
    expect(quotes(await again.image(url))).toEqual([MARK, 'the price, in binary']);
    const eve = await Listener.join(url, 'eve', { snapshots: ['image'] });
    const image = await eve.image(url);
    expect(image.includes('"fine"')).toBe(true);
    expect(quotes(image)).toEqual([]);
    const { path } = await again.offer();
    expect(path).not.toBe((await eve.offer()).path);
    expect(await eve.image(url, path)).toEqual(image);
    expect(eve.quoted).toEqual([]);
  });

  it('[AC-20][AC-21][FO-14] are in no answer to SQL, and in no refusal of it', async () => {
    const url = await serve(place);
    const ann = await Listener.join(url, 'ann');
    await begin(ann);
    await live(ann, 'read');
    const eve = await Listener.join(url, 'eve');
    for (const [at, text] of READS.entries()) {
      eve.client.say({ type: 'read', request: at + 1, sql: text, at: 'latest' });
      ann.client.say({ type: 'read', request: at + 1, sql: text, at: 'latest' });
    }
    const isAnswer = ({ type }: Message): boolean => type === 'readRows' || type === 'readFailed';
    for (const { client } of [ann, eve]) await client.until(() => client.messages.filter(isAnswer).length === READS.length, 'all answers');
    const [toEve, toAnn] = [eve, ann].map(({ client }) => JSON.stringify(client.messages.filter(isAnswer)));
    expect(quotes(Buffer.from(toAnn ?? ''))).toContain(MARK); // the questions do find what is there
    expect(toEve).toContain('seen');
    expect(eve.quoted).toEqual([]);
    expect(quotes(Buffer.from(JSON.stringify(host.log.entries)))).toEqual([]);
  });

  it('[AC-24][AC-27][FO-14] are in no result and no error of what it tries on them, and in no line of the log', async () => {
    const url = await serve(place);
    const ann = await Listener.join(url, 'ann');
    await begin(ann);
    await live(ann, 'log');
    const eve = await Listener.join(url, 'eve');
    const tries: readonly (readonly [name: string, args: unknown, code: string])[] = [
      ['removeAll', null, 'forbidden'],
      ['takeAll', null, 'forbidden'],
      ['touchAll', null, 'forbidden'],
      ['slugAll', null, 'constraint_failed'],
      ['overflowAll', null, 'sql_failed'],
      ['nullAll', null, 'constraint_failed'],
      ['castAll', null, 'sql_failed'],
      ['pathAll', null, 'sql_failed'],
      ['readAll', null, 'mutator_failed'],
      ['lookUp', null, 'mutator_failed'],
      ['countAll', null, 'mutator_failed'],
      // Whoever guesses a key is told that it is taken, and nothing of who has it: SPEC and the guide say so.
      ['put', { ...secret(1), owner: 'eve', shared: true }, 'forbidden'],
      ['put', { ...secret(1), id: 'mine', owner: 'eve', shared: true }, 'constraint_failed'],
      ['put', { id: 'mine', owner: 'ann', shared: true }, 'forbidden'],
      ['put', { id: 'mine', owner: 5 }, 'arguments_invalid'],
    ];
    for (const [name, args, code] of tries) expect([name, await eve.do(name, args)]).toMatchObject([name, { code }]);
    expect(codesIn(ann.client.messages).filter((code) => code !== undefined)).toEqual([]);
    const http = url.replace('ws:', 'http:');
    const bodies = await Promise.all(['', '/health', '/metrics', '?image=1'].map(async (path) => (await fetch(`${http}${path}`)).text()));
    expect(quotes(Buffer.from(bodies.join('\n')))).toEqual([]);
    expect(eve.quoted).toEqual([]);
    expect(quotes(Buffer.from(JSON.stringify(host.log.entries)))).toEqual([]);
  });
});
