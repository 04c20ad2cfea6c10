/**
 * Log levels: `error` a developer must look; `info` a state change worth knowing; `debug` the rest. There is no warning level.
 * Fields are flat and never hold tokens, row values or arguments.
 */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** What goes with a line, by name. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export const silentLogger: Logger = { error: () => undefined, info: () => undefined, debug: () => undefined };
