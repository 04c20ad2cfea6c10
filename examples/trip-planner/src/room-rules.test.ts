import type { ServerMessage } from '@alcove/core/protocol/server-message';
import type { Database } from '@alcove/core/sqlite/database';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RowRules } from '../../../packages/server/src/access/row-rules.ts';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';
import { DrivenRoom, resultsIn } from '../../../test/fake/driven-room.ts';
import { NOTES_PER_STOP_MAX, trip } from '../room.ts';

const SECRET = 'A ring for Noor';

/** The trip as its server runs it, with people in it and one stop. */
describe('private notes', () => {
  let database: Database;
  let rules: RowRules;
  let driven: DrivenRoom;
  let mutationIds: Map<string, number>;

  const call = (who: string, name: string, args: unknown): ServerMessage[] => {
    const mutationId = (mutationIds.get(who) ?? 0) + 1;
    mutationIds.set(who, mutationId);
    return driven.push(who, mutationId, name, args);
  };
  /** What became of it: `applied`, or why not. */
  const end = (who: string, name: string, args: unknown): string =>
    resultsIn(call(who, name, args))
      .map((result) => ('message' in result ? `${result.code}: ${result.message}` : result.status))
      .join();
  /** Everything that somebody was sent, as text. */
  const told = (who: string): string => JSON.stringify(driven.ports.sent.get(who)?.map(({ frame }) => String(frame)) ?? []);
  const column = (sql: string): unknown[] =>
    database
      .prepare(sql)
      .all()
      .map(([cell]) => cell);

  beforeEach(() => {
    database = openDatabase(':memory:');
    rules = new RowRules(trip, openDatabase(':memory:'));
    driven = new DrivenRoom({ room: trip, database, rules });
    mutationIds = new Map();
    database.exec("INSERT INTO cities VALUES (1, 'Kyoto', 'kyoto', 'JP', 1000, 0, 0, 'PPL', '01')");
    for (const who of ['ada', 'bo']) driven.join(who, {}, { claims: { sub: who } });
    call('ada', 'addStop', { id: 's', cityId: 1, position: 'a0', nights: 1 });
    call('ada', 'addNote', { id: 'mine', stopId: 's', body: SECRET, author: 'Ada', isPrivate: true });
    call('ada', 'addNote', { id: 'ours', stopId: 's', body: 'Tea at four', author: 'Ada', isPrivate: false });
  });
  afterEach(() => {
    rules.close();
    database.close();
  });

  it('reach nobody but their author, live or by coming later', () => {
    expect(told('bo')).toContain('Tea at four');
    driven.join('late', { snapshots: ['rows'] }, { claims: { sub: 'cleo' } });
    driven.advance(100);
    driven.join('stranger', { snapshots: ['rows'] }, { claims: null });
    driven.advance(100);
    expect(told('late')).toContain('Tea at four');
    for (const who of ['bo', 'late', 'stranger']) for (const canary of [SECRET, 'mine']) expect(told(who)).not.toContain(canary);
    driven.join('again', { snapshots: ['rows'] }, { claims: { sub: 'ada' } });
    driven.advance(100);
    expect(told('again')).toContain(SECRET);
  });

  it('are shared, and kept to oneself again, by their author alone', () => {
    const alone = /^forbidden: Only who wrote a note/;
    expect(end('bo', 'keepNote', { id: 'ours', isPrivate: true })).toMatch(alone);
    expect(end('bo', 'keepNote', { id: 'mine', isPrivate: false })).toMatch(alone);
    expect(end('ada', 'keepNote', { id: 'mine', isPrivate: false })).toBe('applied');
    expect(told('bo')).toContain(SECRET);
    driven.take('bo');
    expect(end('ada', 'keepNote', { id: 'mine', isPrivate: true })).toBe('applied');
    const heard = driven.take('bo').flatMap((message) => (message.type === 'commit' ? message.changes : []));
    // By columns: none of them has a cell.
    expect(heard.map(({ table, puts, deletes }) => ({ table, puts: puts.flat(), deletes }))).toEqual([
      { table: 'notes', puts: [], deletes: [['mine']] },
    ]);
  });

  it('tell nothing to who tries them by their id', () => {
    const gone = 'forbidden: Somebody has removed that note.';
    expect(end('bo', 'editNote', { id: 'mine', was: SECRET, body: 'x' })).toBe(gone);
    expect(end('bo', 'editNote', { id: 'nothing', was: SECRET, body: 'x' })).toBe(gone);
    for (const id of ['mine', 'nothing']) expect(end('bo', 'removeNote', { id })).toBe('applied');
    expect(column('SELECT body FROM notes ORDER BY id')).toEqual([SECRET, 'Tea at four']);
    expect(end('ada', 'editNote', { id: 'mine', was: SECRET, body: 'Two rings' })).toBe('applied');
    expect(end('ada', 'removeNote', { id: 'mine' })).toBe('applied');
  });

  it('do not count for others', () => {
    for (let i = 0; i < NOTES_PER_STOP_MAX - 2; i++)
      call('ada', 'addNote', { id: `n${i}`, stopId: 's', body: 'x', author: 'Ada', isPrivate: true });
    expect(end('ada', 'addNote', { id: 'more', stopId: 's', body: 'x', author: 'Ada' })).toMatch(/at most 50 notes/);
    expect(end('bo', 'addNote', { id: 'bos', stopId: 's', body: 'x', author: 'Bo' })).toBe('applied');
  });

  it('outlive the stop they are on: whoever takes it off the route neither sees nor removes them', () => {
    expect(end('bo', 'removeStop', { id: 's' })).toBe('applied');
    expect(column('SELECT body FROM notes')).toEqual([SECRET]);
    const kept = { id: 's', cityId: 1, position: 'a0', nights: 1 };
    const shared = { id: 'ours', body: 'Tea at four', author: 'Ada', writtenMs: 7, owner: 'ada' };
    expect(end('bo', 'restoreStop', { ...kept, notes: [shared] })).toBe('applied');
    expect(end('ada', 'keepNote', { id: 'ours', isPrivate: true })).toBe('applied');
    expect(told('bo')).not.toContain(SECRET);
  });

  it('are nobody’s without a visitor', () => {
    driven.join('nobody', {}, { claims: null });
    expect(end('nobody', 'addNote', { id: 'n', stopId: 's', body: 'x', author: 'No', isPrivate: true })).toMatch(
      /^forbidden: this user may not add/,
    );
  });
});
