import { describe, expect, it } from 'vitest';
import { checkOrigins, isLoopbackAddress, isOriginAllowed } from './origins.ts';

const asked = (rule: { origins: string[] | null; loopbackOnly: boolean }, origin: string | undefined, host: string | undefined) =>
  isOriginAllowed(rule, { origin, host });

describe('origins', () => {
  it.each<[string | undefined, string | undefined, boolean]>([
    ['https://app.example', 'app.example', true],
    ['https://app.example:8443', 'app.example:8443', true],
    ['https://app.example:8443', 'app.example', false],
    ['https://evil.example', 'app.example', false],
    ['http://localhost:5173', 'app.example', false],
    ['null', 'app.example', false],
    ['', 'app.example', false],
    ['file://', 'app.example', false],
    ['https://app.example', undefined, false],
    [undefined, 'app.example', true],
  ])('[HO-10] by default only the page of the same host: %s asking %s', (origin, host, allowed) => {
    expect(asked({ origins: null, loopbackOnly: false }, origin, host)).toBe(allowed);
  });

  it.each<[string, string, boolean]>([
    ['http://localhost:5173', 'localhost:8787', true],
    ['http://127.0.0.1:5173', 'localhost:8787', true],
    ['http://[::1]:5173', '[::1]:8787', true],
    ['http://a.localhost', '127.1.2.3:1', true],
    ['http://evil.example:8787', 'evil.example:8787', false],
    ['http://localhost', 'evil.example:8787', false],
    ['http://localhost.evil.example', 'localhost', false],
    ['http://127.0.0.1.evil.example', 'localhost', false],
  ])('[HO-10] without authenticate only loopback names on both sides: %s asking %s', (origin, host, allowed) => {
    expect(asked({ origins: null, loopbackOnly: true }, origin, host)).toBe(allowed);
  });

  it('[HO-10] a list holds exact origins, or all with a star', () => {
    const rule = { origins: ['https://a.example'], loopbackOnly: false };
    expect(asked(rule, 'https://a.example', 'b.example')).toBe(true);
    expect(asked(rule, 'http://a.example', 'b.example')).toBe(false);
    expect(asked(rule, 'https://b.example', 'b.example')).toBe(false);
    expect(asked({ origins: ['*'], loopbackOnly: true }, 'https://b.example', 'x')).toBe(true);
  });

  it('[HO-10] a list with something else is refused, with the entry in the message', () => {
    for (const origin of ['app.example', 'https://app.example/', 'https://app.example/x', 'https://*.example', ''])
      expect(() => checkOrigins([origin])).toThrow(
        expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(`"${origin}"`) }),
      );
    expect(checkOrigins(['*', 'null', 'https://a.example', 'http://localhost:5173'])).toHaveLength(4);
  });

  it.each([
    ['https://a.example', 'origins takes a list of origins, and got "https://a.example"'],
    [{}, 'origins takes a list of origins, and got an object'],
    [[/a/], 'origins holds an object, which is no origin'],
  ])('[HO-26] what is no list of texts is told as that: %o', (given, message) => {
    expect(() => checkOrigins(given as never)).toThrow(expect.objectContaining({ code: 'option_invalid', message }));
  });

  it('knows loopback addresses', () => {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(isLoopbackAddress(address)).toBe(true);
    for (const address of ['10.0.0.1', '128.0.0.1', '::2', '127.0.0.1.evil', '']) expect(isLoopbackAddress(address)).toBe(false);
  });
});
