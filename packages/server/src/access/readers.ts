import type { ChangeSet } from '@alcove/core/change/change-set';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Row } from '@alcove/core/sqlite/database';
import type { ReaderClass } from './reader-class.ts';
import { classOf, SEES_ALL, seesAll, undecided } from './reader-class.ts';
import type { RowRules } from './row-rules.ts';
import { WriteRules } from './write-rules.ts';

/** Who sees what in one room, and what users may leave behind. */
export class Readers {
  /** Null: every mutation may leave what it leaves. */
  readonly writes: WriteRules | null;
  readonly #definition: AnyRoom;
  readonly #rows: RowRules | null;
  readonly #runtime: Runtime;
  readonly #secret: Uint8Array;

  /**
   * @param rows Null where the definition has no rules.
   * @param secret The history's.
   */
  constructor(definition: AnyRoom, rows: RowRules | null, runtime: Runtime, secret: Uint8Array) {
    if (definition.tableRules.length > 0 && rows === null)
      throw new AlcoveError('option_invalid', `the room ${definition.name} has rules, and was opened without a database to ask them in`);
    this.#definition = definition;
    this.#rows = rows;
    this.#runtime = runtime;
    this.#secret = secret;
    this.writes = WriteRules.of(definition, rows, runtime);
  }

  /** @throws AlcoveError `rule_failed`, in words for the user; the operator's stand in the log. */
  classOf(claims: Claims | null): ReaderClass {
    if (this.#rows === null) return SEES_ALL;
    try {
      const found = classOf(this.#definition, claims, this.#runtime, this.#secret);
      this.#rows.check(found);
      return found;
    } catch (cause) {
      throw this.refusal(AlcoveError.from(cause, 'rule_failed'));
    }
  }

  /** For a rule that failed: writes to the log what the operator has to know, and says what those are told who are shut out. */
  refusal(error: AlcoveError): AlcoveError {
    this.#runtime.log.error('a row rule failed; the user is refused', { room: this.#definition.name, reason: error.message });
    return undecided(error);
  }

  /** What each class gets of a change set, in its order, or why its rules fail, in words for the operator; see RowRules. */
  changesFor(changeSet: ChangeSet, classes: readonly ReaderClass[]): (ChangeSet | AlcoveError)[] {
    return this.#rows === null || classes.every(seesAll) ? classes.map(() => changeSet) : this.#rows.changesFor(changeSet, classes);
  }

  /** What a class gets of whole rows of a table. @throws AlcoveError `rule_failed`, in words for the operator */
  rowsFor(table: string, rows: readonly Row[], reader: ReaderClass): readonly Row[] {
    return this.#rows === null ? rows : this.#rows.rowsFor(table, rows, reader);
  }
}
