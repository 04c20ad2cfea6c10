const numbers = new Intl.NumberFormat('en');
const euros = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR', maximumFractionDigits: 0 });
const regions = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' });

export const formatNumber = (value: number): string => numbers.format(value);
export const formatEuros = (value: number): string => euros.format(value);
export const formatKm = (km: number): string => `${numbers.format(Math.round(km))} km`;

/** `1 night`, `2 nights`. */
export const plural = (count: number, one: string, many = `${one}s`): string => `${formatNumber(count)} ${count === 1 ? one : many}`;

/** The country's name for its two letters; the letters themselves where they name none. */
export function countryName(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (regions.of(code) ?? code) : code;
}

const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** `14:02:11`. */
export const formatTime = (wallMs: number): string => timeOfDay.format(wallMs);

const minuteOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** `14:02`. */
export const formatMinute = (wallMs: number): string => minuteOfDay.format(wallMs);

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long ago something was: `just now`, `40 s ago`, `5 min ago`, `3 h ago`, `2 days ago`. */
export function formatAge(ms: number): string {
  if (ms < 5_000) return 'just now';
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1_000)} s ago`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ago`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ago`;
  return `${plural(Math.floor(ms / DAY_MS), 'day')} ago`;
}

const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** How long something took: `3.4 ms`, `120 ms`, `1.4 s`, `12 s`, `3 min`. Figure and unit stay on one line. */
export function formatMs(ms: number): string {
  if (ms < 9.95) return `${tenths.format(ms)}\u00a0ms`;
  if (ms < 999.5) return `${Math.round(ms)}\u00a0ms`;
  if (ms < 9_950) return `${tenths.format(ms / 1_000)}\u00a0s`;
  return ms < MINUTE_MS ? `${Math.round(ms / 1_000)}\u00a0s` : `${Math.round(ms / MINUTE_MS)}\u00a0min`;
}

/** Bytes as people read them: `840 KB`, `6.4 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A list as a sentence has it: `Mina`, `Mina and Jo`, `Mina, Jo and 2 more`. */
export function nameList(names: readonly string[]): string {
  const [first = '', second = '', ...rest] = names;
  if (names.length <= 1) return first;
  if (rest.length === 0) return `${first} and ${second}`;
  return `${first}, ${second} and ${rest.length} more`;
}

/** The first letters of the first two words, for a person's mark. */
export const initials = (name: string): string =>
  name
    .trim()
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0]?.toUpperCase() ?? '')
    .join('');
