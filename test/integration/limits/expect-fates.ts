import { expect } from 'vitest';
import type { Told } from './edge.ts';
import type { Fate, Peer } from './peer.ts';

export const allApplied = (fates: readonly Fate[]): void => {
  expect(fates.map(({ how, code }) => code ?? how)).toEqual(fates.map(() => 'applied'));
};

/** The first of them that was refused or rejected, once all before it were applied. */
export const firstRefused = (fates: readonly Fate[], applied: number, peer: Peer): Told => {
  expect(fates.slice(0, applied).map(({ how }) => how)).toEqual(Array.from({ length: applied }, () => 'applied'));
  const fate = fates[applied];
  return { code: fate?.code, retryAfterMs: fate?.retryAfterMs, peer };
};

/** The error a session was ended with. */
export const endedWith = async (peer: Peer): Promise<Told> => {
  const { code, reason } = await peer.client.end();
  const error = peer.errors.at(-1);
  // Who did not read is told by the close frame alone.
  return { code: error?.code ?? reason, retryAfterMs: error?.retryAfterMs, closed: code };
};
