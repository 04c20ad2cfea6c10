import type { ChangeSet, RowChange } from '@alcove/core/change/change-set';
import { AlcoveError } from '@alcove/core/error';
import type { ReaderClass } from '../../packages/server/src/access/reader-class.ts';
import { Readers } from '../../packages/server/src/access/readers.ts';
import { RowRules } from '../../packages/server/src/access/row-rules.ts';
import type { Bug } from './bug.ts';
import { replaced } from './replaced.ts';

/** Mistakes with who sees what, and with rights that are over. */
export const ACCESS_BUGS: readonly (() => Bug)[] = [
  replaceTellsKeys,
  classesTooCoarse,
  imageBeforeIsSent,
  () => ({
    name: 'expired-claims-push',
    what: 'what is pushed runs under claims that have run out',
    needsAccess: true,
    gatekeeper: (gatekeeper) => ({
      ...gatekeeper,
      accessOf: (claims) => {
        const { expiresInMs: _, ...access } = gatekeeper.accessOf(claims);
        return access;
      },
    }),
  }),
  () => ({
    name: 'renewal-without-view',
    what: 'a session whose claims change goes on with the rows that it saw before',
    needsAccess: true,
    put: () => {
      const { classOf } = Readers.prototype;
      const first = new Map<string, ReaderClass>();
      return replaced(Readers.prototype, 'classOf', function (this: Readers, claims) {
        const known = first.get(claims?.sub ?? '') ?? classOf.call(this, claims);
        first.set(claims?.sub ?? '', known);
        return known;
      });
    },
  }),
];

/** A delete that REPLACE does is no statement of its own, and goes past what the rules are asked about. */
function replaceTellsKeys(): Bug {
  return {
    name: 'replace-tells-keys',
    what: 'the row that REPLACE puts away is told to everybody, by its key',
    needsAccess: true,
    put: () =>
      sentOtherwise((changeSet, seen) =>
        withRows(changeSet, seen, (rows, own) => {
          const isReplaced = rows.some(({ before }) => before === null);
          const gone = rows.filter(({ before, after }) => before !== null && after === null);
          return isReplaced ? [...own, ...gone.filter((change) => !own.some(({ before }) => before === change.before))] : own;
        }),
      ),
  };
}

/** Classes go by the tables that they do not see whole, and so does whatever is made once a class: commits, ranges, snapshots, images. */
function classesTooCoarse(): Bug {
  return {
    name: 'classes-too-coarse',
    what: 'what was made for one class of readers is kept for another',
    needsAccess: true,
    put: () => {
      const { classOf } = Readers.prototype;
      return replaced(Readers.prototype, 'classOf', function (this: Readers, claims) {
        const found = classOf.call(this, claims);
        return { ...found, id: [...found.filters.keys()].join('-') || found.id };
      });
    },
  };
}

/** The rules are asked about the row after the change, and the row before it leaves. */
function imageBeforeIsSent(): Bug {
  return {
    name: 'image-before-is-sent',
    what: 'who may see only what a row is now gets what it was before',
    needsAccess: true,
    put: () =>
      sentOtherwise((changeSet, seen) =>
        withRows(changeSet, seen, (rows, own) =>
          own.map((change) => {
            const whole = rows.find(({ before, after }) => before !== null && after !== null && after[0] === change.after?.[0]); // its key
            return change.before === null && whole !== undefined ? { before: null, after: whole.before } : change;
          }),
        ),
      ),
  };
}

/** Puts something else in the place of what a class gets of a change set. */
function sentOtherwise(change: (changeSet: ChangeSet, seen: ChangeSet) => ChangeSet): () => void {
  const { changesFor } = RowRules.prototype;
  return replaced(RowRules.prototype, 'changesFor', function (this: RowRules, changeSet, classes) {
    return changesFor
      .call(this, changeSet, classes)
      .map((seen, index) =>
        !(seen instanceof AlcoveError) && classes[index]?.filters.has('notes') === true ? change(changeSet, seen) : seen,
      );
  });
}

/** Other rows of the notes; `rows` are all that changed, `own` what the class sees of them. */
function withRows(
  changeSet: ChangeSet,
  seen: ChangeSet,
  change: (rows: readonly RowChange[], own: readonly RowChange[]) => readonly RowChange[],
): ChangeSet {
  return {
    tables: changeSet.tables.flatMap((all) => {
      const own = seen.tables.find(({ table }) => table === all.table);
      if (all.table !== 'notes') return own ?? [];
      const rows = change(all.rows, own?.rows ?? []);
      return rows.length === 0 ? [] : [{ ...all, rows }];
    }),
  };
}
