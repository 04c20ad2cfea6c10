import { decodeRecord } from '@alcove/core/change/record-codec';
import type { Version } from '../oracle/history.ts';
import { CANARY } from '../room/notes.ts';
import type { Note } from '../room/notes.ts';
import { SEES_ALL } from '../room/rule-sets.ts';
import type { Sight } from '../room/rule-sets.ts';
import type { Findings } from '../world/findings.ts';

/** Which rows stand behind the views that the room names, and whether anything is told to somebody who could never see it. */
export class SightWatch {
  readonly #findings: Findings;
  readonly #views = new Map<string, Sight>();
  /** Of images of a room that a page opens, by their bytes: the view they were made for. */
  readonly viewsOfImages = new WeakMap<Uint8Array, string>();
  /** By canary: every note that ever held it, as it was then. */
  readonly #notes = new Map<string, Note[]>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** The room named a view to somebody who sees that. */
  named(view: string, sight: Sight): void {
    const known = this.#views.get(view);
    this.#views.set(view, sight);
    this.#findings.check(
      known === undefined || textOf(known) === textOf(sight),
      'I30',
      () => `view ${view} stands for ${textOf(sight)}, and stood for ${known === undefined ? '' : textOf(known)}`,
    );
  }

  of(view: string): Sight | undefined {
    return this.#views.get(view);
  }

  /** Reads a version that was committed: what stood in its rows may be told to whoever could see them. */
  learn({ record }: Version): void {
    if (!record.includes('"notes"')) return;
    for (const { table, columns, rows } of decodeRecord(record).tables) {
      if (table !== 'notes') continue;
      for (const row of rows.flatMap(({ before, after }) => [before, after]))
        if (row !== null) this.#remember(Object.fromEntries(columns.map((column, at) => [column, row[at]])) as unknown as Note); // a row of that table
    }
  }

  #remember(note: Note): void {
    for (const text of [note.id, note.body, note.secret ?? '']) this.#notes.set(text, [...(this.#notes.get(text) ?? []), note]);
  }

  /** Something goes to somebody. `sight` null: to nobody who was let in. */
  told(canaries: Iterable<string>, sight: Sight | null, where: string): void {
    for (const canary of canaries) {
      const notes = this.#notes.get(canary) ?? [];
      const maySee = (note: Note): boolean => sight?.seesNote(note) === true && (canary !== note.secret || sight.seesSecret(note));
      this.#findings.check(notes.some(maySee), 'I31', () => `${where}: ${canary}, which stood in ${JSON.stringify(notes.at(-1) ?? null)}`);
    }
  }
}

/** Each canary in a text, once. */
export const canariesIn = (text: string): ReadonlySet<string> => new Set(text.match(CANARY));

/** Equal where the same is seen. */
export const textOf = ({ tables }: Sight): string => JSON.stringify(tables === SEES_ALL.tables ? {} : tables);
