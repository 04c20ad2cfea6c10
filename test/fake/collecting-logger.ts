import type { LogFields, Logger } from '@alcove/core/runtime/logger';

export interface LogEntry {
  readonly level: 'error' | 'info' | 'debug';
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps what was logged, for tests to look at. */
export class CollectingLogger implements Logger {
  readonly entries: LogEntry[] = [];

  get errors(): readonly LogEntry[] {
    return this.entries.filter((entry) => entry.level === 'error');
  }

  error(message: string, fields: LogFields = {}): void {
    this.entries.push({ level: 'error', message, fields });
  }

  info(message: string, fields: LogFields = {}): void {
    this.entries.push({ level: 'info', message, fields });
  }

  debug(message: string, fields: LogFields = {}): void {
    this.entries.push({ level: 'debug', message, fields });
  }
}
