import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccessAction, Claims } from '@alcove/server/node';
import { afterEach, describe, expect, it } from 'vitest';
import { lookKeyIn, tokenOf, type TripKey } from '../trip-key.ts';
import { SECRET_FILE, TripAccess } from './trip-access.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trip-access-'));
  folders.push(folder);
  return folder;
}

const ADA = 'adaadaadaadaadaadaada';
const CONNECTION = { remoteAddress: '127.0.0.1', origin: undefined, headers: {} };
const DONE: readonly AccessAction[] = [
  { kind: 'open' },
  { kind: 'create' },
  { kind: 'list' },
  { kind: 'sql', query: null },
  { kind: 'mutate', name: 'addStop', args: null },
  { kind: 'value', name: 'budget', key: '' },
  { kind: 'presence' },
  { kind: 'cursor' },
  { kind: 'ephemeral', name: 'typing', key: 's' },
];

describe('who gets into a trip', () => {
  const access = new TripAccess(Buffer.alloc(32, 7));
  const other = new TripAccess(Buffer.alloc(32, 8));
  const claimsOf = (token: string | null): Claims | null => access.authenticate(token, CONNECTION) as Claims | null; // it answers at once
  const rights = (key: TripKey, tripId = 'japan', room = tripId) =>
    DONE.filter((action) => access.authorize(claimsOf(tokenOf(ADA, tripId, key)), action, { name: 'trip', id: room }) === true).map(
      ({ kind }) => kind,
    );
  const edit = access.keyFor('japan');
  const look = lookKeyIn(edit);

  it('is told by the key: who edits may do everything, who looks comes in, reads, is seen and points', () => {
    expect(rights(edit)).toEqual(DONE.map(({ kind }) => kind));
    expect(rights(look)).toEqual(['open', 'sql', 'presence', 'cursor']);
  });

  it('is nobody with the key of another trip, of another server, or with one that was pieced together', () => {
    expect(rights(access.keyFor('peru'))).toEqual([]);
    expect(rights(edit, 'japan', 'peru')).toEqual([]);
    expect(rights(edit, 'peru', 'japan')).toEqual([]);
    expect(rights(other.keyFor('japan'))).toEqual([]);
    const [, , lookPart = ''] = edit.text.split('.');
    expect(rights({ role: 'edit', text: `edit.${lookPart}.${lookPart}` })).toEqual([]);
    expect(rights({ role: 'edit', text: `edit.${'A'.repeat(22)}.${lookPart}` })).toEqual([]);
  });

  it('is nobody without a token, or with what is none', () => {
    for (const token of [
      null,
      '',
      'x',
      ADA,
      `${ADA} japan`,
      `short japan ${edit.text}`,
      `${ADA} a/b ${edit.text}`,
      `${ADA} japan ${edit.text} x`,
    ])
      expect(claimsOf(token)).toBeNull();
    for (const key of ['nonsense', `look.${'A'.repeat(23)}`, `own.${'A'.repeat(22)}`])
      expect(claimsOf(`${ADA} japan ${key}`)).toMatchObject({ role: null });
  });

  it('knows a visitor by the hash of their secret, which is the same in every trip and is not the secret', () => {
    const subs = ['japan', 'peru'].map((id) => claimsOf(tokenOf(ADA, id, access.keyFor(id)))?.sub);
    expect(new Set(subs).size).toBe(1);
    expect(subs[0]).toMatch(/^[\w-]{22}$/);
    expect(subs[0]).not.toContain('ada');
    expect(claimsOf(tokenOf(`${ADA}x`, 'japan', edit))?.sub).not.toBe(subs[0]);
  });
});

describe('the secret of a data folder', () => {
  it('is made once, for its owner alone, and the same keys come out of it again', () => {
    const folder = freshFolder();
    const first = TripAccess.of(join(folder, 'data')).keyFor('japan');
    expect(TripAccess.of(join(folder, 'data')).keyFor('japan')).toEqual(first);
    const path = join(folder, 'data', SECRET_FILE);
    expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{64}$/);
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o077).toBe(0);
    expect(TripAccess.of(join(freshFolder(), 'data')).keyFor('japan')).not.toEqual(first);
  });

  it('that was cut short stops the start, and says what to do', () => {
    const folder = freshFolder();
    writeFileSync(join(folder, SECRET_FILE), 'abc');
    expect(() => TripAccess.of(folder)).toThrowError(
      expect.objectContaining({ code: 'option_invalid', hint: expect.stringMatching(/delete it/) as unknown }),
    );
  });
});
