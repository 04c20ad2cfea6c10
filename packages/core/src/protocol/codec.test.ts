import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { AlcoveError } from '../error.ts';
import { chooseCodec, decodeClientMessage, decodeServerMessage, encodeMessage } from './codec.ts';
import { DEFLATE_BYTES_MIN } from './limits.ts';
import { negotiate, PROTOCOL_FLOOR, PROTOCOL_VERSION } from './version.ts';

const runtime = new FakeRuntime();
const limits = { messageBytesMax: 100_000 };

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const binary = (codecByte: number, body: Uint8Array): Uint8Array => Uint8Array.of(codecByte, ...body);
const deflated = (text: string): Uint8Array => binary(1, deflateRawSync(utf8(text)));

/** How a client's frame is answered: `taken`, `ignored`, or code and message of the refusal. */
function answer(
  frame: string | Uint8Array,
  given = limits,
  decode: typeof decodeClientMessage | typeof decodeServerMessage = decodeClientMessage,
) {
  try {
    return decode(frame, runtime, given) === null ? 'ignored' : 'taken';
  } catch (error) {
    if (error instanceof AlcoveError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const push = (args: string): string => `{"type":"push","mutations":[{"clientId":"c","mutationId":1,"name":"addStop","args":${args}}]}`;
const argsOf = (frame: string): unknown => {
  const message = decodeClientMessage(frame, runtime, limits);
  return message?.type === 'push' ? message.mutations[0]?.args : undefined;
};
const nest = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('frames', () => {
  const ping = '{"type":"ping","at":1}';

  it('[PR-2] every reader takes text, binary JSON and deflated JSON', () => {
    for (const frame of [ping, binary(0, utf8(ping)), deflated(ping)])
      expect(decodeClientMessage(frame, runtime, limits)).toEqual({ type: 'ping', at: 1 });
  });

  it('[PR-2] writes text for json, binary for deflate, deflated from about 1 KB on', () => {
    const message = (length: number) => ({ type: 'auth' as const, token: 'x'.repeat(length) });
    const overhead = JSON.stringify(message(0)).length;
    expect(typeof encodeMessage(message(5_000), 'json', runtime)).toBe('string');
    const small = encodeMessage(message(DEFLATE_BYTES_MIN - overhead - 1), 'deflate', runtime);
    const large = encodeMessage(message(DEFLATE_BYTES_MIN - overhead), 'deflate', runtime);
    expect([small[0], small.length]).toEqual([0, DEFLATE_BYTES_MIN]);
    expect([large[0], large.length < 100]).toEqual([1, true]);
  });

  it('leaves alone what deflate would make longer', () => {
    const token = runtime.newId() + Array.from({ length: 200 }, () => runtime.newId()).join('');
    const noise = encodeMessage(
      { type: 'auth', token },
      'deflate',
      new (class extends FakeRuntime {
        override readonly deflateRaw = (bytes: Uint8Array) => new Uint8Array(bytes.length + 1);
      })(),
    );
    expect(noise[0]).toBe(0);
  });

  it('[PR-1] picks deflate where it is offered, else plain JSON', () => {
    expect(chooseCodec([])).toBe('json');
    expect(chooseCodec(['brotli', 'deflate'])).toBe('deflate');
  });

  it.each([
    ['an empty text', '', 'bad_message: the message is not JSON'],
    ['an empty binary frame', new Uint8Array(), 'bad_message: the frame is empty'],
    ['an unknown codec byte', Uint8Array.of(2, 123, 125), 'bad_message: codec byte 2 is not known'],
    ['text in a binary frame without its codec byte', utf8(ping), 'bad_message: codec byte 123 is not known'],
    ['bad UTF-8', binary(0, Uint8Array.of(0x22, 0xff, 0x22)), 'bad_message: the bytes are not UTF-8'],
    ['an encoded surrogate', binary(0, Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)), 'bad_message: the bytes are not UTF-8'],
    ['a byte order mark in bytes', binary(0, utf8(`\ufeff${ping}`)), 'bad_message: the message is not JSON'],
    ['a byte order mark in text', `\ufeff${ping}`, 'bad_message: the message is not JSON'],
    ['damaged deflate', Uint8Array.of(1, 7, 0, 0), 'bad_message: the deflated bytes are damaged'],
    ['no deflate at all', Uint8Array.of(1), 'bad_message: the deflated bytes are damaged'],
    ['truncated JSON', ping.slice(0, -1), 'bad_message: the message is not JSON'],
    ['JSON and garbage', `${ping} x`, 'bad_message: the message is not JSON'],
    ['two messages', ping + ping, 'bad_message: the message is not JSON'],
    ['a NUL at the end', `${ping}\0`, 'bad_message: the message is not JSON'],
    ['NaN', push('NaN'), 'bad_message: the message is not JSON'],
    ['a trailing comma', '{"type":"ping",}', 'bad_message: the message is not JSON'],
  ])('[PR-4] refuses %s', (_name, frame, expected) => {
    expect(answer(frame)).toContain(expected);
  });
});

describe('sizes', () => {
  const textOf = (bytes: number): string => `{"type":"auth","token":"${'x'.repeat(bytes - '{"type":"auth","token":""}'.length)}"}`;

  it('[PR-5] takes a message of exactly the limit and refuses one byte more, in every form', () => {
    for (const bytes of [limits.messageBytesMax - 1, limits.messageBytesMax]) {
      for (const frame of [textOf(bytes), binary(0, utf8(textOf(bytes))), deflated(textOf(bytes))]) expect(answer(frame)).toBe('taken');
    }
    const more = textOf(limits.messageBytesMax + 1);
    for (const frame of [more, binary(0, utf8(more)), deflated(more)]) expect(answer(frame)).toMatch(/^message_too_large: .*100000/);
  });

  it('[PR-5] counts bytes, not characters', () => {
    const euros = (count: number): string => `{"type":"auth","token":"${'€'.repeat(count)}"}`;
    const fit = (100 - euros(0).length) / 3;
    expect(answer(euros(Math.floor(fit)), { messageBytesMax: 100 })).toBe('taken');
    expect(answer(euros(Math.ceil(fit)), { messageBytesMax: 100 })).toMatch(/^message_too_large/);
  });

  it('[PR-5] bounds what comes out of a deflated frame on its own', () => {
    const given = { messageBytesMax: 1_000, messageInflatedBytesMax: 4_000 };
    expect(answer(deflated(textOf(4_000)), given)).toBe('taken');
    expect(answer(deflated(textOf(4_001)), given)).toMatch(/^message_too_large/);
    expect(answer(textOf(1_001), given)).toMatch(/^message_too_large/);
  });

  it('[PR-5] a bomb of 64 MB is refused by its first bytes', () => {
    const bomb = binary(1, deflateRawSync(Buffer.alloc(64_000_000)));
    expect(answer(bomb)).toMatch(/^message_too_large/);
  });
});

describe('depth', () => {
  // push, mutations, mutation: three levels around args; presence: one around its state.
  it.each([
    [push(nest(24)), 'taken'],
    [push(nest(25)), 'bad_message: push.mutations.0.args: value at [0]'],
    [`{"type":"presence","state":${nest(24)}}`, 'taken'],
    [`{"type":"presence","state":${nest(25)}}`, 'bad_message: presence.state: value at'],
    [`{"type":"ping","more":${nest(30)}}`, 'taken'],
    [`{"type":"ping","more":${nest(31)}}`, 'taken'],
    [`{"type":"ping","more":${nest(32)}}`, 'message_too_deep: the message nests more than 32 levels'],
    [`{"type":"ping","more":${nest(4_000)}}`, 'message_too_deep'],
    [nest(32), 'bad_message: the message is array'],
    [nest(33), 'message_too_deep'],
    ['['.repeat(200_000), 'message_too_deep'],
    ['{"a":'.repeat(200_000), 'message_too_deep'],
  ])('[PR-6] 32 levels in a message, 24 in data: case %#', (frame, expected) => {
    expect(answer(frame, { messageBytesMax: 2_000_000 })).toContain(expected);
  });
});

describe('numbers', () => {
  it.each([
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', 9007199254740992],
    ['1152921504606846976', 2 ** 60],
    ['1152921504606847000', 2 ** 60],
    ['1e300', 1e300],
    ['0.1000000000000000055511151231257827', 0.1],
    ['123456789012345678e-2', Number('123456789012345678e-2')],
    ['-0', 0],
    ['[-0.0]', [0]],
  ])('[PR-7] %s is taken as it is', (text, value) => {
    expect(argsOf(push(text))).toStrictEqual(value);
  });

  it.each([
    ['9007199254740993', 'an integer of 16 digits or more would be rounded'],
    ['-9007199254740993', 'would be rounded'],
    ['[1, 12345678901234567890]', 'would be rounded'],
    ['9'.repeat(100_000 - 100), 'an integer of 22 digits or more'],
    ['1e400', 'push.mutations.0.args: value: Infinity is not in JSON'],
    ['{"x":[-1e400]}', 'value at x[0]: -Infinity is not in JSON'],
  ])('[PR-7] is refused, not rounded: case %#', (text, message) => {
    expect(answer(push(text))).toContain(`bad_message: `);
    expect(answer(push(text))).toContain(message);
  });

  it('[PR-7] digits in text are text', () => {
    expect(argsOf(push('"9007199254740993"'))).toBe('9007199254740993');
    expect(argsOf(push('{"9007199254740993":1}'))).toEqual({ '9007199254740993': 1 });
  });

  it.each(['0', '-1', '1.5', '9007199254740992', '1e400', '"1"', 'null', 'true', '[1]', '-0'])(
    '[PR-8] %s is no mutationId',
    (mutationId) => {
      const frame = `{"type":"push","mutations":[{"clientId":"c","mutationId":${mutationId},"name":"addStop"}]}`;
      expect(answer(frame)).toMatch(/^bad_message: push\.mutations\.0\.mutationId: /);
    },
  );

  it('[PR-8] a count may be 0, and not -0', () => {
    const heard = (upTo: string): string => `{"type":"heard","clientId":"c","upTo":${upTo}}`;
    expect(answer(heard('0'))).toBe('taken');
    expect(answer(heard('-0'))).toContain('bad_message: heard.upTo: -0 is no count');
  });
});

describe('names', () => {
  it('[PR-9] members with names that objects have anyway come out as data', () => {
    const text = '{"constructor":{"prototype":{"admin":true}},"toString":1,"hasOwnProperty":2,"valueOf":3,"then":4}';
    expect(JSON.stringify(argsOf(push(text)))).toBe(text);
  });

  it.each(['{"__proto__":{"admin":true}}', '{"a":[{"\\u005f_proto__":1}]}'])('[PR-9] %s is refused in data', (text) => {
    expect(answer(push(text))).toContain('__proto__: this member name is not allowed');
  });

  it('[PR-9] around data it is one more unknown field', () => {
    const frame = '{"type":"ping","__proto__":{"at":5},"constructor":1}';
    const message = decodeClientMessage(frame, runtime, limits);
    expect(message).toStrictEqual({ type: 'ping' });
  });

  it('[PR-10] half a surrogate pair is refused, whole ones are kept; U+0000 is kept in data and refused in keys', () => {
    expect(answer(push('"\\ud800"'))).toContain('half a surrogate pair');
    expect(answer(push('{"\\udfff":1}'))).toContain('half a surrogate pair');
    for (const key of ['\\ud800', '\\u0000'])
      expect(answer(`{"type":"flush","name":"slider","key":"${key}"}`)).toContain('flush.key: text with');
    expect(argsOf(push('"\\ud83d\\udc69\\u0000\\u2028"'))).toBe('👩\0\u2028');
  });

  it('the last of members with the same name counts', () => {
    expect(argsOf(push('{"a":1,"a":2}'))).toEqual({ a: 2 });
    expect(answer('{"type":"ping","type":"zap"}')).toContain('bad_message: type: "zap"');
  });

  it('[PR-11] ids the room gives are not for clients to use', () => {
    expect(answer('{"type":"heard","clientId":"$server:x","upTo":1}')).toContain('bad_message: heard.clientId');
    expect(answer(push('1').replace('"c"', '"$server:x"'))).toContain('push.mutations.0.clientId');
  });
});

describe('types and fields', () => {
  it.each([
    ['null', 'the message is null, expected an object'],
    ['[]', 'the message is array, expected an object'],
    ['"hello"', 'the message is string, expected an object'],
    ['{}', 'type: expected string, got undefined'],
    ['{"type":1}', 'type: expected string, got number'],
    ['{"type":"commit"}', 'type: "commit" is no message a client sends'],
    ['{"type":"constructor"}', 'type: "constructor" is no message a client sends'],
    ['{"type":"__proto__"}', 'type: "__proto__" is no message a client sends'],
    [`{"type":"${'z'.repeat(9_000)}"}`, `type: "${'z'.repeat(64)}" is no message`],
    ['{"type":"push"}', 'push.mutations: expected'],
    ['{"type":"push","mutations":{}}', 'push.mutations: expected Array, got object'],
    ['{"type":"push","mutations":[]}', 'push.mutations: expected'],
    ['{"type":"push","mutations":[null]}', 'push.mutations.0: expected Object, got null'],
    ['{"type":"presence"}', 'presence.state: expected'],
    ['{"type":"bye","clientIds":["a b"]}', 'bye.clientIds.0: expected'],
  ])('[PR-12] is refused with the path: case %#', (frame, message) => {
    expect(answer(frame)).toContain(`bad_message: ${message}`);
  });

  it('[PR-12] one mutation too many is refused', () => {
    const of = (count: number): string =>
      JSON.stringify({
        type: 'push',
        mutations: Array.from({ length: count }, (_, index) => ({ clientId: 'c', mutationId: index + 1, name: 'n' })),
      });
    expect(answer(of(100))).toBe('taken');
    expect(answer(of(101))).toContain('bad_message: push.mutations: expected <=100');
  });

  it('[PR-12] a client named twice in hello is refused', () => {
    const client = { clientId: 'c', lastMutationId: 1, confirmed: 0, welcomed: null };
    const frame = JSON.stringify({ type: 'hello', protocol: 1, room: 'trip', id: 'x', clientId: 'c', clients: [client, client] });
    expect(answer(frame)).toContain('bad_message: hello.clients: a clientId is named twice');
  });

  it('[PR-12] the refusal does not quote what was sent', () => {
    const secret = 'eyJhbGciOi-secret';
    const frames = [
      `{"type":"auth","token":["${secret}"]}`,
      `{"type":"auth","token":"${secret}"`,
      `{"type":"hello","clientId":"${secret} "}`,
    ];
    for (const frame of frames) expect(answer(frame)).not.toContain(secret);
  });

  it('[PR-13] optional types are ignored, unknown fields too', () => {
    expect(answer('{"type":"x-metrics","anything":[1]}')).toBe('ignored');
    expect(decodeClientMessage('{"type":"ping","at":2,"extra":{"a":1}}', runtime, limits)).toStrictEqual({ type: 'ping', at: 2 });
  });

  it('[PR-13] a client ignores types it does not know and reads unknown codes as internal', () => {
    expect(answer('{"type":"fireworks"}', limits, decodeServerMessage)).toBe('ignored');
    const result = '{"clientId":"c","mutationId":1,"status":"rejected","version":4,"code":"quota_exceeded","message":"no"}';
    const message = decodeServerMessage(`{"type":"results","results":[${result}]}`, runtime, limits);
    expect(message).toEqual({
      type: 'results',
      results: [{ clientId: 'c', mutationId: 1, status: 'rejected', version: 4, code: 'internal', message: 'no' }],
    });
  });

  it('fills in what a plain peer may leave out', () => {
    expect(
      decodeClientMessage(
        '{"type":"hello","protocol":1,"room":"trip","id":"x","clientId":"c","snapshots":["stream","rows"]}',
        runtime,
        limits,
      ),
    ).toEqual({
      type: 'hello',
      protocol: 1,
      room: 'trip',
      id: 'x',
      clientId: 'c',
      codecs: [],
      schema: null,
      token: null,
      clients: [],
      resume: null,
      snapshots: ['rows'],
    });
  });

  it('keeps claims whose names objects have anyway', () => {
    const welcome = {
      type: 'welcome',
      protocol: 1,
      codec: 'json',
      sessionId: 's',
      historyId: 'h',
      boot: 'b',
      version: 0,
      schema: '',
      view: '',
      hydration: 'first',
      clients: [],
      serverNowMs: 1,
      user: { sub: 'u', constructor: 'kept', prototype: 'kept' },
      limits: { messageBytesMax: 1, pushMutationsMax: 1, stateBytesMax: 1, valueBytesMax: 1, heartbeatIntervalMs: 1, idleTimeoutMs: 1 },
    };
    const message = decodeServerMessage(JSON.stringify(welcome), runtime, limits);
    expect(message).toStrictEqual({ ...welcome, image: null });
    expect(answer(JSON.stringify({ ...welcome, user: [1] }), limits, decodeServerMessage)).toContain('bad_message: welcome.user');
  });
});

describe('columnar changes', () => {
  const commit = (changes: unknown): string =>
    JSON.stringify({ type: 'commit', from: 0, to: 1, schema: 's', hash: 'h', changes: [changes] });
  const good = { table: 't', columns: ['id', 'city'], puts: [['a'], ['Kyoto']], key: ['id'], deletes: [[]] };

  it.each([
    ['whole', good],
    ['empty', { ...good, puts: [[], []] }],
    [
      'blobs and odd numbers',
      {
        ...good,
        puts: [
          ['a', 'b', 'c'],
          [{ b: 'AA==' }, { r: '-0' }, null],
        ],
      },
    ],
  ])('[PR-14] takes %s columns', (_name, changes) => {
    expect(answer(commit(changes), limits, decodeServerMessage)).toBe('taken');
  });

  it.each([
    ['columns of unequal length', { ...good, puts: [['a', 'b'], ['Kyoto']] }],
    ['too few columns', { ...good, puts: [['a']] }],
    ['too many columns', { ...good, puts: [['a'], ['b'], ['c']] }],
    ['a row instead of columns', { ...good, puts: ['a', 'Kyoto'] }],
    ['a boolean cell', { ...good, puts: [['a'], [true]] }],
    ['a nested cell', { ...good, puts: [['a'], [['b']]] }],
    ['an unknown cell object', { ...good, puts: [['a'], [{ x: 1 }]] }],
    ['a cell object with too much', { ...good, puts: [['a'], [{ b: 'AA==', r: '-0' }]] }],
    ['an unknown real', { ...good, puts: [['a'], [{ r: 'NaN' }]] }],
    ['a column twice', { ...good, columns: ['id', 'id'] }],
    ['a column without a name', { ...good, columns: ['id', ''] }],
    ['no table', { ...good, table: '' }],
    ['no key', { ...good, key: undefined }],
    ['deletes that do not fit the key', { ...good, deletes: [] }],
    ['nothing', null],
  ])('[PR-14] refuses %s', (_name, changes) => {
    expect(answer(commit(changes), limits, decodeServerMessage)).toContain('bad_message: commit.changes.0: ');
  });

  it('[PR-14] refuses infinities written as numbers', () => {
    const frame = commit({ ...good, puts: [['a'], [12321]] }).replace('12321', '1e400');
    expect(answer(frame, limits, decodeServerMessage)).toContain('bad_message: commit.changes.0');
  });
});

describe('versions', () => {
  it('[PR-3] speaks the lower of both versions and refuses what is below the floor', () => {
    expect(negotiate(PROTOCOL_VERSION)).toBe(PROTOCOL_VERSION);
    expect(negotiate(PROTOCOL_VERSION + 7)).toBe(PROTOCOL_VERSION);
    expect(() => negotiate(PROTOCOL_FLOOR - 1)).toThrow(expect.objectContaining({ code: 'protocol_unsupported' }));
  });

  it('[PR-3] a hello from below the floor is told so, whatever else it holds', () => {
    expect(answer(`{"type":"hello","protocol":${PROTOCOL_FLOOR - 1},"channel":"old"}`)).toBe(
      `protocol_unsupported: the peer speaks protocol ${PROTOCOL_FLOOR - 1}; this side speaks ${PROTOCOL_FLOOR} to ${PROTOCOL_VERSION}`,
    );
  });
});
