import { isIP } from 'node:net';
import { AlcoveError } from '@alcove/core/error';
import { kindOf } from '@alcove/core/unknown-keys';

/** Which page origins may reach the rooms. `origins` null: the default rule. */
export interface OriginRule {
  readonly origins: readonly string[] | null;
  /** Nobody is authenticated: only pages and requests on loopback names are let in by the default rule. */
  readonly loopbackOnly: boolean;
}

export interface OriginRequest {
  /** The Origin header; absent for peers that are no browsers. */
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/**
 * Whether a page of this origin may speak to the server. Peers without an Origin header are no browsers: nobody's cookies or sign-in can be misused
 * through them, and they show a token like everybody else.
 *
 * By default a page may where it was served under the very host and port it asks. Without `authenticate` it may where both its own host and the host it
 * asks for are loopback names: the port does not count (development servers have their own), and a foreign name that was made to point at
 * 127.0.0.1 does not get in.
 */
export const isOriginAllowed = (rule: OriginRule, { origin, host }: OriginRequest): boolean => {
  if (origin === undefined) return true;
  if (rule.origins !== null) return rule.origins.includes('*') || rule.origins.includes(origin);
  const page = hostOf(origin);
  if (page === null || host === undefined) return false;
  return rule.loopbackOnly ? isLoopbackName(page) && isLoopbackName(host) : page === host.toLowerCase();
};

/**
 * Whether a page of this origin is one of the app's own, so that the cookies it brings speak for who sits before it: of the host it asks, or listed by name. Not so with
 * `*`, which lets every page in, with `null`, which any page can make of itself, and without an origin.
 */
export const isOriginKnown = (rule: OriginRule, { origin, host }: OriginRequest): boolean => {
  if (origin === undefined || origin === 'null') return false;
  if (rule.origins?.includes(origin) === true) return true;
  return host !== undefined && hostOf(origin) === host.toLowerCase();
};

/** Exact origins as browsers send them (`https://app.example`), `null`, or `*`. @throws AlcoveError `option_invalid` */
export const checkOrigins = (origins: readonly string[]): readonly string[] => {
  const given: unknown = origins; // from plain JavaScript anything may come
  if (!Array.isArray(given)) {
    throw new AlcoveError('option_invalid', `origins takes a list of origins, and got ${kindOf(given)}`, {
      hint: "Write origins: ['https://app.example'].",
    });
  }
  const entries: readonly unknown[] = given;
  for (const origin of entries) {
    if (typeof origin !== 'string') throw new AlcoveError('option_invalid', `origins holds ${kindOf(origin)}, which is no origin`);
    if (origin === '*' || origin === 'null') continue;
    if (origin.includes('*') || !URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new AlcoveError('option_invalid', `origins holds "${origin}", which is no origin`, {
        hint: 'Write scheme, host and port as in https://app.example or http://localhost:5173, without a path, a slash at the end or a pattern.',
      });
    }
  }
  return origins;
};

/** `localhost`, its subdomains, 127.0.0.0/8 and ::1, with or without a port. */
export const isLoopbackName = (host: string): boolean => {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return isLoopbackAddress(name.replace(/^\[|\]$/g, ''));
};

export const isLoopbackAddress = (address: string): boolean => {
  const plain = address.toLowerCase().replace(/^::ffff:/, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
};

const hostOf = (origin: string): string | null => (URL.canParse(origin) ? new URL(origin).host || null : null);
