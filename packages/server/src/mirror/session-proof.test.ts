import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hmacPads, PROOF_MS, readerPassword, sessionProof } from './session-proof.ts';

const runtime = {
  nowMs: () => 1_000,
  hmacSha256: (key: Uint8Array, message: Uint8Array) => new Uint8Array(createHmac('sha256', key).update(message).digest()),
  utf8: { encode: (text: string) => new TextEncoder().encode(text), decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes) },
};

describe('the proof of a session', () => {
  it('names the room, until when, and an HMAC that two rounds of SHA-256 over the pads give as well', () => {
    const secret = randomBytes(32);
    const [name, id, until, mac] = sessionProof(secret, { name: 'trip', id: 'a.b~c' }, runtime).split('/');
    expect([name, id, until]).toEqual(['trip', 'a.b~c', String(1_000 + PROOF_MS)]);
    const { inner, outer } = hmacPads(secret);
    const round = (pad: Uint8Array, ...more: readonly (string | Uint8Array)[]) =>
      more.reduce((hash, bytes) => hash.update(bytes), createHash('sha256').update(pad)).digest();
    expect(round(outer, round(inner, `trip/a.b~c/${until}`)).toString('hex')).toBe(mac);
  });

  it('differs by room, secret and time, and from the password', () => {
    const [one, two] = [randomBytes(32), randomBytes(32)];
    const proofs = [
      sessionProof(one, { name: 'trip', id: 'a' }, runtime),
      sessionProof(one, { name: 'trip', id: 'b' }, runtime),
      sessionProof(one, { name: 'note', id: 'a' }, runtime),
      sessionProof(two, { name: 'trip', id: 'a' }, runtime),
      sessionProof(one, { name: 'trip', id: 'a' }, { ...runtime, nowMs: () => 2_000 }),
    ].map((proof) => proof.split('/')[3]);
    expect(new Set([...proofs, readerPassword(one, runtime), readerPassword(two, runtime)]).size).toBe(7);
  });
});
