/** What a deterministic run must not touch: each of these differs from run to run. */
const FORBIDDEN: readonly (readonly [holder: object, name: string])[] = [
  [Math, 'random'],
  [performance, 'now'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'fetch'],
  [globalThis, 'WebSocket'],
  [crypto, 'getRandomValues'],
  [crypto, 'randomUUID'],
];

/** sql.js dates the files it holds in memory; nobody reads the dates. */
const FROZEN_MS = Date.UTC(2027, 0, 1);

interface Kept {
  readonly holder: object;
  readonly name: string;
  readonly before: PropertyDescriptor | undefined;
}

/** Set while the platform is replaced. */
let kept: readonly Kept[] | null = null;

/** Runs `fn` with the platform's time, timers and randomness replaced by functions that throw, so that a leak fails on the first run. */
export function withoutPlatform<T>(fn: () => T): T {
  if (kept !== null) return fn();
  replace();
  try {
    return fn();
  } finally {
    restore();
  }
}

/** For what needs the platform and tells nobody: the names that sql.js gives its files. */
export function withPlatform<T>(fn: () => T): T {
  if (kept === null) return fn();
  restore();
  try {
    return fn();
  } finally {
    replace();
  }
}

function replace(): void {
  const all: typeof FORBIDDEN = [...FORBIDDEN, [Date, 'now']];
  kept = all.map(([holder, name]) => ({ holder, name, before: Object.getOwnPropertyDescriptor(holder, name) }));
  for (const [holder, name] of FORBIDDEN) {
    const value = (): never => {
      throw new ReferenceError(`${name} of the platform was used in the simulation: take it from Runtime`);
    };
    Object.defineProperty(holder, name, { value, configurable: true, writable: true });
  }
  Object.defineProperty(Date, 'now', { value: () => FROZEN_MS, configurable: true, writable: true });
}

function restore(): void {
  for (const { holder, name, before } of kept ?? []) {
    if (before === undefined) Reflect.deleteProperty(holder, name);
    else Object.defineProperty(holder, name, before);
  }
  kept = null;
}
