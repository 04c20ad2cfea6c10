import { AlcoveError, type ErrorBody } from '@alcove/core/error';

/** An error as it came from another process, with the limit it is of, which bodies do not carry. */
export const withLimit = ({ code, message, hint, retryAfterMs }: ErrorBody, limit: string): AlcoveError =>
  new AlcoveError(code, message, {
    limit,
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
