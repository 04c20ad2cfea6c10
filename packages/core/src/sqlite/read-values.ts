import type { SqlValue } from './database.ts';

/** A value was read that no SqlValue can hold unchanged. The drivers' `failureOf` makes `sql_failed` of it, which a peer hears who may not see the value: it is not quoted. */
export class UnreadableValueError extends Error {}

/** Whether a number an engine handed out may be an INTEGER that it does not hold exactly. */
export const mayBeRounded = (value: SqlValue): boolean =>
  typeof value === 'number' && (value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER);

/** @throws UnreadableValueError outside ±(2^53−1). */
export function toSafeNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new UnreadableValueError('an INTEGER outside ±(2^53−1) cannot be read as a number; keep it as text');
}

/** Text with NUL cannot be bound again, so what only SQL can make (`char(0)`) is refused where it is read. */
export function refuseUnreadableText(text: string): void {
  if (text.includes('\0')) throw new UnreadableValueError('a text that holds NUL cannot be read; keep it as a blob');
}
