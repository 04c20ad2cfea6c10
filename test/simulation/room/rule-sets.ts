import { and, eq, lte, ne, or } from 'drizzle-orm';
import type { RoomRules } from '@alcove/core';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Note } from './notes.ts';
import type { RuledTables } from './playground.ts';

/** What of one table is seen, in plain SQL; see Sight. */
interface SeenTable {
  readonly visible: string;
  /** In the place of `column` stands NULL where `when` does not say no. */
  readonly hidden?: { readonly column: string; readonly when: string };
}

/** What somebody may see, said once more and without the product: of tables that are not named all. */
export interface Sight {
  readonly tables: Readonly<Record<string, SeenTable>>;
  seesNote(note: Note): boolean;
  seesSecret(note: Note): boolean;
}

/** Rules of the room: as the app gives them, and as the oracle knows them. */
export interface RuleSet {
  readonly name: string;
  readonly rules: RoomRules<RuledTables>;
  sightOf(claims: Claims): Sight;
  /** Whether a mutation of that user may leave the note so; null: it is not there. */
  mayLeave(before: Note | null, after: Note | null, claims: Claims): boolean;
}

export const SEES_ALL: Sight = { tables: {}, seesNote: () => true, seesSecret: () => true };

interface Grant {
  readonly sub: string;
  readonly team: string;
  readonly level: number;
}

const grantOf = (claims: Claims): Grant => ({ sub: String(claims.sub), team: String(claims['team']), level: Number(claims['level']) });
const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** Everybody may do everything. */
export const OPEN: RuleSet = { name: 'open', rules: {}, sightOf: () => SEES_ALL, mayLeave: () => true };

/** By team and level: users who have the same see the same. */
const byTeam: RuleSet = {
  name: 'byTeam',
  rules: {
    notes: {
      visibleTo: (row, claims) => {
        const { team, level } = grantOf(claims);
        return and(or(eq(row.team, team), eq(row.team, 'all')), lte(row.level, level));
      },
      hiddenFrom: { secret: (_, claims) => grantOf(claims).level < 1 },
      mayInsert: (row, claims) => or(eq(row.team, grantOf(claims).team), eq(row.team, 'all')),
      mayUpdate: (before, after, claims) => and(lte(before.level, grantOf(claims).level), lte(after.level, grantOf(claims).level)),
      mayDelete: (row, claims) => lte(row.level, grantOf(claims).level),
    },
    folders: { visibleTo: (row, claims) => (grantOf(claims).team === 'red' ? true : ne(row.label, 'red')) },
    names: { visibleTo: (row, claims) => (grantOf(claims).level >= 1 ? true : ne(row.owner, 'o1')) },
    stamps: { hiddenFrom: { user: (_, claims) => grantOf(claims).level < 1 } },
  },
  sightOf: (claims) => {
    const { team, level } = grantOf(claims);
    const isLow = level < 1;
    return {
      tables: {
        notes: { visible: `team IN (${text(team)}, 'all') AND level <= ${level}`, hidden: { column: 'secret', when: String(isLow) } },
        ...(team === 'red' ? {} : { folders: { visible: "label <> 'red'" } }),
        ...(isLow ? { names: { visible: "owner <> 'o1'" }, stamps: { visible: 'true', hidden: { column: 'user', when: 'true' } } } : {}),
      },
      seesNote: (note) => (note.team === team || note.team === 'all') && note.level <= level,
      seesSecret: () => !isLow,
    };
  },
  mayLeave: (before, after, claims) => {
    const { team, level } = grantOf(claims);
    if (before === null) return after === null || after.team === team || after.team === 'all';
    return before.level <= level && (after === null || after.level <= level);
  },
};

/** By owner: each user is a class. */
const byOwner: RuleSet = {
  name: 'byOwner',
  rules: {
    notes: {
      visibleTo: (row, claims) => or(eq(row.owner, grantOf(claims).sub), eq(row.level, 0)),
      hiddenFrom: { secret: (row, claims) => ne(row.owner, grantOf(claims).sub) },
      mayInsert: (row, claims) => lte(row.level, grantOf(claims).level),
      mayUpdate: (before, after, claims) =>
        and(eq(before.owner, after.owner), or(eq(before.owner, grantOf(claims).sub), eq(after.level, 0))),
      mayDelete: (row, claims) => or(eq(row.owner, grantOf(claims).sub), grantOf(claims).level > 1 ? eq(row.level, 0) : undefined),
    },
    files: { visibleTo: (row, claims) => (grantOf(claims).level >= 1 ? true : ne(row.folderId, 'f3')) },
  },
  sightOf: (claims) => {
    const { sub, level } = grantOf(claims);
    return {
      tables: {
        notes: { visible: `owner = ${text(sub)} OR level = 0`, hidden: { column: 'secret', when: `owner <> ${text(sub)}` } },
        ...(level >= 1 ? {} : { files: { visible: `"folderId" <> 'f3'` } }),
      },
      seesNote: (note) => note.owner === sub || note.level === 0,
      seesSecret: (note) => note.owner === sub,
    };
  },
  mayLeave: (before, after, claims) => {
    const { sub, level } = grantOf(claims);
    if (before === null) return after === null || after.level <= level;
    if (after === null) return before.owner === sub || (level > 1 && before.level === 0);
    return before.owner === after.owner && (before.owner === sub || after.level === 0);
  },
};

/** The first is what tabs know, which ask no rules and know only that there are some. */
export const RULE_SETS: readonly [RuleSet, ...RuleSet[]] = [byTeam, byOwner, OPEN];
