import type { Logger } from '@alcove/core/runtime/logger';

/** Errors and state changes to the console of a page or worker; debug lines only where the console shows them. */
export const consoleLogger: Logger = {
  error: (message, fields) => console.error(`alcove: ${message}`, fields ?? {}),
  info: (message, fields) => console.info(`alcove: ${message}`, fields ?? {}),
  debug: (message, fields) => console.debug(`alcove: ${message}`, fields ?? {}),
};
