import { AlcoveError } from '../error.ts';
import { MESSAGE_DEPTH_MAX } from './limits.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_ARRAY = 0x5d;
const CLOSE_OBJECT = 0x7d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** From this many digits on an integer may lie beyond ±(2^53−1). */
const DIGITS_SAFE = 15;
/** From 10^21 on JavaScript writes an exponent; a longer run of digits was written by somebody who counts further than a double can. */
const DIGITS_MAX = 21;

/**
 * Looks JSON text over before it is parsed, in one pass without a stack. Says nothing about whether the text is JSON.
 *
 * @throws AlcoveError `message_too_deep` past `depthMax` levels: parsers take far more, and fail later, where the value is cloned or written again.
 *   `bad_message` for an integer that a double cannot hold: it would be rounded without a word.
 */
export function scanJson(text: string, depthMax = MESSAGE_DEPTH_MAX): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = endOfString(text, at);
    } else if (unit === OPEN_OBJECT || unit === OPEN_ARRAY) {
      depth++;
      if (depth > depthMax) refuseDepth(depthMax);
    } else if (unit === CLOSE_OBJECT || unit === CLOSE_ARRAY) {
      depth--;
    } else if (unit >= DIGIT_0 && unit <= DIGIT_9) {
      at = endOfNumber(text, at) - 1;
    }
  }
}

function refuseDepth(depthMax: number): never {
  throw new AlcoveError('message_too_deep', `the message nests more than ${depthMax} levels`, { limit: 'messageDepthMax' });
}

/** Position of the quote that ends the string whose first quote is at `start`; the text's end where it is not ended. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let first = quote;
    while (first > at && text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((quote - first) % 2 === 0) return quote;
    at = quote + 1;
  }
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (isDigit(text.charCodeAt(end))) end++;
  const isInteger = !'.eE'.includes(text.charAt(end) || ' ');
  if (isInteger && end - start > DIGITS_SAFE) assertExact(text.slice(start, Math.min(end, start + DIGITS_MAX + 1)));
  // Fraction and exponent: digits in them are no integers of their own.
  if (!isInteger) while (isDigit(text.charCodeAt(end)) || '.eE+-'.includes(text.charAt(end) || ' ')) end++;
  return end;
}

const isDigit = (unit: number): boolean => unit >= DIGIT_0 && unit <= DIGIT_9;

/** As JavaScript itself writes the double, or exactly its value. */
function assertExact(digits: string): void {
  if (digits.length <= DIGITS_MAX) {
    const number = Number(digits);
    if (String(number) === digits || BigInt(number) === BigInt(digits)) return;
  }
  throw new AlcoveError('bad_message', `an integer of ${digits.length} digits or more would be rounded; send it as text`);
}
