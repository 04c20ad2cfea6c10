import { AlcoveError } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import { pgFailure } from './pg-failure.ts';

const state = (code: string) => Object.assign(new Error('what it says'), { code, severity: 'ERROR' });

describe('[MI-8] what PostgreSQL fails with', () => {
  it.each([
    ['57P01', 'server'],
    ['53100', 'server'],
    ['08006', 'server'],
    ['XX000', 'server'],
    ['28P01', 'setup'],
    ['42501', 'setup'],
    ['42P01', 'setup'],
    ['25006', 'setup'],
    ['40001', 'again'],
    ['40P01', 'again'],
    ['55P03', 'again'],
    ['57014', 'room'],
    ['54000', 'room'],
    ['22021', 'room'],
    ['23505', 'room'],
  ])('%s is the business of: %s', (code, kind) => {
    expect(pgFailure(state(code))).toMatchObject({ kind, error: { message: `PostgreSQL: what it says (${code})` } });
  });

  it('a role without the rights is told which it needs', () => {
    expect(pgFailure(state('42501')).error.hint).toContain('needs CREATEROLE, and CREATE on its database');
    expect(pgFailure(state('28P01')).error.hint).toContain('Correct the role');
  });

  it('a connection that fails is the server’s, what a row makes of JavaScript’s bounds the room’s', () => {
    expect(pgFailure(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })).kind).toBe('server');
    expect(pgFailure(new Error('Connection terminated unexpectedly')).kind).toBe('server');
    expect(pgFailure(new RangeError('Invalid string length')).kind).toBe('room');
    expect(pgFailure(new AlcoveError('sql_failed', 'x')).kind).toBe('room');
    expect(pgFailure(new AlcoveError('option_invalid', 'x')).kind).toBe('setup');
  });
});
