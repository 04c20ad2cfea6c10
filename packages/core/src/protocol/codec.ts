import * as v from 'valibot';
import { AlcoveError } from '../error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { clientMessage } from './client-message.ts';
import type { ClientMessage, ClientMessageInput } from './client-message.ts';
import { DEFLATE_BYTES_MIN } from './limits.ts';
import { scanJson } from './scan-json.ts';
import { serverMessage } from './server-message.ts';
import type { ServerMessage, ServerMessageInput } from './server-message.ts';
import { PROTOCOL_FLOOR, negotiate } from './version.ts';

/**
 * How a side writes. `json`: text frames. `deflate`: binary frames whose first byte says what follows: 0 JSON, 1 raw-deflated JSON.
 * Every reader takes all three forms at any time, so hello needs no codec to be agreed on.
 */
export type Codec = 'json' | 'deflate';

const JSON_FOLLOWS = 0;
const DEFLATED_JSON_FOLLOWS = 1;

export interface DecodeLimits {
  /** Bytes of a frame as it came; the byte that names the codec does not count. */
  readonly messageBytesMax: number;
  /** Bytes of JSON that come out of a deflated frame, counted while it is inflated. Default: `messageBytesMax`. */
  readonly messageInflatedBytesMax?: number;
  /** Levels of arrays and objects. Default: `MESSAGE_DEPTH_MAX`. */
  readonly messageDepthMax?: number;
}

/** The best codec of those a hello offers. */
export const chooseCodec = (offered: readonly string[]): Codec => (offered.includes('deflate') ? 'deflate' : 'json');

/** One message as one frame: text for `json`, binary for `deflate`, deflated from about 1 KB on. Trusts its argument. */
export const encodeMessage = (message: ClientMessageInput | ServerMessageInput, codec: Codec, runtime: Runtime): string | Uint8Array =>
  encodeText(JSON.stringify(message), codec, runtime);

/** The same for a message whose JSON is there already. */
export function encodeText(text: string, codec: Codec, runtime: Runtime): string | Uint8Array {
  if (codec === 'json') return text;
  const bytes = runtime.utf8.encode(text);
  if (bytes.length < DEFLATE_BYTES_MIN) return framed(JSON_FOLLOWS, bytes);
  const deflated = runtime.deflateRaw(bytes);
  return deflated.length < bytes.length ? framed(DEFLATED_JSON_FOLLOWS, deflated) : framed(JSON_FOLLOWS, bytes);
}

/**
 * Reads and checks what a client sent; the only check there is, what comes out is trusted. null: a message of an optional type (`x-…`), to be ignored.
 *
 * @param frame Text of a text frame, bytes of a binary one.
 * @throws AlcoveError `message_too_large`, `message_too_deep`, `protocol_unsupported` (a hello from below the floor) or `bad_message`, whose message
 *   holds the path of the offending field and never its content.
 */
export function decodeClientMessage(frame: string | Uint8Array, runtime: Runtime, limits: DecodeLimits): ClientMessage | null {
  const { type, value } = parse(frame, runtime, limits);
  if (type.startsWith('x-')) return null;
  if (type === 'hello' && typeof value['protocol'] === 'number' && value['protocol'] < PROTOCOL_FLOOR) negotiate(value['protocol']);
  if (!CLIENT_TYPES.has(type))
    throw new AlcoveError('bad_message', `type: ${JSON.stringify(type.slice(0, 64))} is no message a client sends`);
  return checked(clientMessage, type, value);
}

/** As `decodeClientMessage`, for what a room sends. null: a type this version does not know, to be ignored. */
export function decodeServerMessage(frame: string | Uint8Array, runtime: Runtime, limits: DecodeLimits): ServerMessage | null {
  const { type, value } = parse(frame, runtime, limits);
  if (!SERVER_TYPES.has(type)) return null;
  return checked(serverMessage, type, value);
}

const CLIENT_TYPES: ReadonlySet<string> = new Set(clientMessage.options.map((option) => option.entries.type.literal));
const SERVER_TYPES: ReadonlySet<string> = new Set(serverMessage.options.map((option) => option.entries.type.literal));

function framed(codecByte: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bytes.length + 1);
  frame[0] = codecByte;
  frame.set(bytes, 1);
  return frame;
}

/** The JSON object of a frame and its type, unchecked beyond that. */
export function parse(
  frame: string | Uint8Array,
  runtime: Runtime,
  limits: DecodeLimits,
): { type: string; value: Record<string, unknown> } {
  const text = typeof frame === 'string' ? boundedText(frame, runtime, limits) : textOf(frame, runtime, limits);
  scanJson(text, limits.messageDepthMax);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may hold a token: it is not even kept as the cause.
    throw new AlcoveError('bad_message', 'the message is not JSON');
  }
  if (!isRecord(value)) throw new AlcoveError('bad_message', `the message is ${nameOf(value)}, expected an object`);
  const type = value['type'];
  if (typeof type !== 'string') throw new AlcoveError('bad_message', `type: expected string, got ${nameOf(type)}`);
  return { type, value };
}

function boundedText(text: string, runtime: Runtime, limits: DecodeLimits): string {
  // A UTF-16 unit is at most three bytes of UTF-8: the exact count is taken only near the bound.
  const bytesAtMost = text.length * 3;
  if (bytesAtMost > limits.messageBytesMax) {
    if (text.length > limits.messageBytesMax) refuseSize(text.length, limits);
    const bytes = runtime.utf8.encode(text).length;
    if (bytes > limits.messageBytesMax) refuseSize(bytes, limits);
  }
  return text;
}

function textOf(frame: Uint8Array, runtime: Runtime, limits: DecodeLimits): string {
  const body = frame.subarray(1);
  if (body.length > limits.messageBytesMax) refuseSize(body.length, limits);
  switch (frame[0]) {
    case JSON_FOLLOWS:
      return runtime.utf8.decode(body);
    case DEFLATED_JSON_FOLLOWS:
      return runtime.utf8.decode(runtime.inflateRaw(body, limits.messageInflatedBytesMax ?? limits.messageBytesMax));
    default:
      throw new AlcoveError(
        'bad_message',
        frame.length === 0 ? 'the frame is empty' : `codec byte ${frame[0]} is not known; 0 is JSON, 1 deflated JSON`,
      );
  }
}

function refuseSize(bytes: number, limits: DecodeLimits): never {
  throw new AlcoveError('message_too_large', `the message has ${bytes} bytes or more; the limit is ${limits.messageBytesMax}`, {
    limit: 'messageBytesMax',
  });
}

/** `value` as the schema has it. @throws AlcoveError `bad_message`, with the path of the field */
export function checked<Schema extends v.GenericSchema>(schema: Schema, type: string, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  if (result.success) return result.output;
  throw new AlcoveError('bad_message', describe(type, result.issues[0]));
}

/** `push.mutations.0.mutationId: expected >=1, got number`. Without the content: it may be long, or secret. */
function describe(type: string, issue: v.BaseIssue<unknown>): string {
  const path = [type, v.getDotPath(issue)].filter((part) => part !== null).join('.');
  const own = issue.kind === 'schema' || issue.expected !== null ? `expected ${issue.expected ?? issue.type}` : issue.message;
  return `${path}: ${own.slice(0, 300)}, got ${nameOf(issue.input)}`;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const nameOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
