import type { LogFields, Logger } from '@alcove/core/runtime/logger';

export type LogLevel = 'error' | 'info' | 'debug' | 'silent';

const RANK: Readonly<Record<LogLevel, number>> = { silent: 0, error: 1, info: 2, debug: 3 };

/** One line an entry on standard error: time, level, message, fields as `name=JSON`, so that nothing in a field can look like another line. */
export const createConsoleLogger = (level: LogLevel = 'info'): Logger => {
  const write = (at: LogLevel, message: string, fields: LogFields = {}): void => {
    if (RANK[at] > RANK[level]) return;
    const told = Object.entries(fields).filter(([, value]) => value !== undefined);
    const text = told.map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join('');
    process.stderr.write(`${new Date().toISOString()} ${at} ${message}${text}\n`);
  };
  return {
    error: (message, fields) => write('error', message, fields),
    info: (message, fields) => write('info', message, fields),
    debug: (message, fields) => write('debug', message, fields),
  };
};
