import { AlcoveError, type AlcoveErrorOptions } from '@alcove/core/error';

/**
 * A `replica_unavailable` that knows more than it says to everybody: what replicas and their servers said of themselves names addresses and roles. Users are told `message`; whoever runs the server is told `whole`.
 */
export class PartlyTold extends AlcoveError {
  readonly #whole: string;

  /** @param whole The message with all that is known of why. */
  constructor(message: string, whole: string, options: AlcoveErrorOptions) {
    super('replica_unavailable', message, options);
    this.#whole = whole;
  }

  /** For the server's own code and whoever brings the admin token, and nobody else. */
  whole(hint = 'See that the replicas which are named run and can be reached; they are asked again by themselves.'): AlcoveError {
    const { retryAfterMs, cause } = this;
    return new AlcoveError(this.code, this.#whole, { hint, cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }
}

/** What is thrown to whoever runs the server. */
export const wholeOf = (error: unknown, hint?: string): unknown => (error instanceof PartlyTold ? error.whole(hint) : error);
