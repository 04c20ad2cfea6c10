import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import { UsageError } from './cli-command.ts';
import { whyFetchFailed } from './why-fetch-failed.ts';

const URL_DEFAULT = 'http://localhost:8787/sync';
const UNAUTHORIZED = 401;
const TIMEOUT_MS = 10_000;
/** Of orders: a room that is copied anew, or compared, takes its time. */
const ORDER_TIMEOUT_MS = 5 * 60_000;

/** The options by which a command finds a running server, and their lines of help. */
export const SERVER_OPTIONS = { url: { type: 'string' }, token: { type: 'string' } } as const;
export const SERVER_HELP = `  --url URL      the server with its path (default: ${URL_DEFAULT})
  --token TOKEN  its admin token (default: ALCOVE_ADMIN_TOKEN of the environment, which other users of the machine cannot see)`;

interface Given {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
}

/** What commands say to a running server, over HTTP, and what they tell when it does not do it. */
export class AdminClient {
  readonly #base: string;
  /** Tried in this order, until one is taken. */
  readonly #tokens: readonly string[];

  /**
   * @param variables Of the environment, those that are set are the tokens where none is given.
   * @throws UsageError without a token, and for what is no address.
   */
  constructor({ url, token }: Given, variables: readonly string[] = ['ALCOVE_ADMIN_TOKEN']) {
    const found = (token === undefined ? variables.map((name) => process.env[name] ?? '') : [token]).filter((one) => one !== '');
    if (found.length === 0) throw new UsageError(`give --token, or ${variables.join(' or ')} in the environment`);
    if (url !== undefined && !/^(ws|http)s?:\/\/[^/]/.test(url))
      throw new UsageError(`--url is ${JSON.stringify(url)}: give ws:// or http://, host and path, as in ${URL_DEFAULT}`);
    this.#base = (url ?? URL_DEFAULT).replace(/^ws/, 'http').replace(/\/+$/, '');
    this.#tokens = found;
  }

  /** @throws AlcoveError `connection_lost`, `unauthenticated`, `bad_message`; what the server says. */
  async get(path: string): Promise<string> {
    return this.#fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  }

  /** As `get`. */
  async post(path: string, body: object): Promise<string> {
    return this.#fetch(path, { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(ORDER_TIMEOUT_MS) });
  }

  async #fetch(path: string, init: RequestInit): Promise<string> {
    const address = `${this.#base}${path}`;
    let response: Response | null = null;
    let text = '';
    try {
      for (const token of this.#tokens) {
        response = await fetch(address, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
        text = await response.text();
        if (response.status !== UNAUTHORIZED) break;
      }
    } catch (cause) {
      throw new AlcoveError('connection_lost', `no server answers at ${address}: ${whyFetchFailed(cause)}`, {
        hint: 'Start it, or give another address with --url.',
        cause,
      });
    }
    return taken(address, response, text);
  }
}

/** @throws AlcoveError what else than figures it is */
function taken(address: string, response: Response | null, text: string): string {
  if (response?.ok === true) return text;
  if (response === null || response.status === UNAUTHORIZED)
    throw new AlcoveError('unauthenticated', `the server at ${address} does not take this token`, {
      hint: 'Give the token that the server was started with.',
    });
  const said = errorIn(text);
  // A server without the endpoint knows nothing of the path.
  if (said !== null && said.message !== 'there is nothing at this path') throw AlcoveError.fromBody(said);
  throw new AlcoveError('bad_message', `${address} answered ${response.status}`, {
    hint: 'Give the path of the sockets with --url, and start the server with an admin token.',
  });
}

function errorIn(text: string): ErrorBody | null {
  try {
    const { error } = JSON.parse(text) as { readonly error?: ErrorBody }; // our own server's word, if it is one
    return typeof error?.code === 'string' && typeof error.message === 'string' ? error : null;
  } catch {
    return null;
  }
}
