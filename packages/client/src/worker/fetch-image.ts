import { AlcoveError } from '@alcove/core/error';
import type { ErrorCode } from '@alcove/core/error';
import { IMAGE_HEADERS } from '@alcove/core/protocol/image-headers';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { FetchImage, FetchedImage } from '../sync/engine-interface.ts';

/** Each word of progress is a turn of the engine and a message to the page: after so many bytes, and on a slow link after so long. */
const PROGRESS_STEP_BYTES = 256 * 1024;
const PROGRESS_STEP_MS = 1_000;

/**
 * Fetches snapshots with the platform's `fetch`. `serverUrl` is the ws: or wss: address of the server; the image's path is taken relative to its origin. The
 * browser undoes Content-Encoding while bytes arrive, so progress counts the file's own bytes.
 */
export const createFetchImage =
  (serverUrl: string, monotonicMs: () => number): FetchImage =>
  async ({ path, ticket }, onProgress, signal) => {
    const url = new URL(path, serverUrl.replace(/^ws/, 'http'));
    const response = await request(url, ticket, signal);
    const bytesTotal = countIn(response.headers.get(IMAGE_HEADERS.bytes));
    const bytes = await readAll(response, bytesTotal, onProgress, monotonicMs);
    return { bytes, sha256: await digestOf(bytes), header: (name) => response.headers.get(name) } satisfies FetchedImage;
  };

/** By the platform, off this thread; null on pages that are not secure, which have no such thing: the engine then makes it in JavaScript, many times slower. */
async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string | null> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto.subtle;
  return subtle === undefined ? null : bytesToHex(new Uint8Array(await subtle.digest('SHA-256', bytes)));
}

async function request(url: URL, ticket: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal, headers: { authorization: `Bearer ${ticket}` } });
  } catch (cause) {
    throw new AlcoveError('snapshot_failed', `the image could not be fetched from ${url.origin}: ${String(cause)}`, { cause });
  }
  if (response.ok) return response;
  await response.body?.cancel();
  const code: ErrorCode = response.status === 401 || response.status === 403 ? 'ticket_refused' : 'snapshot_failed';
  const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN);
  throw new AlcoveError(code, `the image was answered with HTTP ${response.status}`, {
    ...(Number.isFinite(retryAfterS) ? { retryAfterMs: retryAfterS * 1000 } : {}),
  });
}

async function readAll(
  response: Response,
  bytesTotal: number | null,
  onProgress: (progress: { bytes: number; bytesTotal: number | null }) => void,
  monotonicMs: () => number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  if (reader === undefined) throw new AlcoveError('snapshot_failed', 'the answer to the image request has no body');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let told = 0;
  let toldMs = monotonicMs();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      chunks.push(step.value);
      bytes += step.value.length;
      if (bytes - told < PROGRESS_STEP_BYTES && monotonicMs() - toldMs < PROGRESS_STEP_MS) continue;
      told = bytes;
      toldMs = monotonicMs();
      onProgress({ bytes, bytesTotal });
    }
  } catch (cause) {
    throw new AlcoveError('snapshot_failed', `the image broke off after ${bytes} bytes of ${bytesTotal ?? 'unknown'}`, { cause });
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function countIn(header: string | null): number | null {
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : null;
}
