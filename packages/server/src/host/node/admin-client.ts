import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import { UsageError } from './cli-command.ts';

const URL_DEFAULT = 'http://localhost:8787/sync';
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
  readonly #token: string;

  /**
   * @param variables Of the environment, the first that is set is the token where none is given.
   * @throws UsageError without a token.
   */
  constructor({ url, token }: Given, variables: readonly string[] = ['ALCOVE_ADMIN_TOKEN']) {
    const found = [token, ...variables.map((name) => process.env[name])].find((one) => one !== undefined && one !== '');
    if (found === undefined) throw new UsageError(`give --token, or ${variables.join(' or ')} in the environment`);
    this.#base = (url ?? URL_DEFAULT).replace(/^ws/, 'http').replace(/\/+$/, '');
    this.#token = found;
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
    let response: Response;
    let text: string;
    try {
      response = await fetch(address, { ...init, headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' } });
      text = await response.text();
    } catch (cause) {
      throw new AlcoveError('connection_lost', `no server answers at ${address}`, { hint: 'Give its address with --url.', cause });
    }
    if (response.ok) return text;
    if (response.status === 401)
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
}

function errorIn(text: string): ErrorBody | null {
  try {
    const { error } = JSON.parse(text) as { readonly error?: ErrorBody }; // our own server's word, if it is one
    return typeof error?.code === 'string' && typeof error.message === 'string' ? error : null;
  } catch {
    return null;
  }
}
