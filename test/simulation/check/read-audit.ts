import { toRows } from '@alcove/core/change/wire';
import { cellFromWire } from '@alcove/core/change/wire-cell';
import type { WireCell } from '@alcove/core/change/wire-rows';
import { type BookmarkParts, readBookmark } from '@alcove/core/protocol/bookmark';
import type { ClientMessageOf } from '@alcove/core/protocol/client-message';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Row } from '@alcove/core/sqlite/database';
import { rowText } from '../oracle/dump.ts';
import type { History } from '../oracle/history.ts';
import { Shadow } from '../oracle/shadow.ts';
import type { ShadowSources } from '../oracle/shadow.ts';
import type { Sight } from '../room/rule-sets.ts';

/** Rows that somebody was told, with what they are said to be of. */
export interface ToldRows extends BookmarkParts {
  readonly sql: string;
  readonly params: Row;
  readonly sight: Sight;
  readonly rows: readonly Row[];
  /** Who told them to whom. */
  readonly where: string;
}

/**
 * Reads on the server at the room's own border: each answer is held against what SQLite says of the room at the version that its bookmark names, as whoever it goes to may see it at that
 * moment.
 */
export class ReadAudit {
  readonly #sources: () => ShadowSources;
  /** By connection and number. */
  readonly #asked = new Map<string, { readonly sql: string; readonly params: Row }>();
  readonly #unjudged: ToldRows[] = [];
  judged = 0;

  constructor(sources: () => ShadowSources) {
    this.#sources = sources;
  }

  asked(connectionId: string, { request, sql = '', params = [] }: ClientMessageOf<'read'>): void {
    this.#asked.set(`${connectionId} ${request}`, { sql, params: params.map(cellFromWire) });
  }

  /** `sight`: of whom it goes to, as it is at this moment. */
  sent(connectionId: string, { request, cells, bookmark, replica }: ServerMessageOf<'readRows'>, sight: Sight): void {
    const key = `${connectionId} ${request}`;
    const asked = this.#asked.get(key);
    const { findings } = this.#sources();
    if (asked === undefined)
      return findings.report('I33', `read ${request} was answered to ${connectionId}, which asked none of that number`);
    this.#asked.delete(key);
    this.told({ ...asked, ...readBookmark(bookmark), sight, rows: toRows(cells), where: `${replica} to ${connectionId}` });
  }

  /** To be held against the history by `judge`. */
  told(told: ToldRows): void {
    this.#unjudged.push(told);
  }

  /** Replays each history as far as it was read. */
  judge(): void {
    const { findings, history } = this.#sources();
    const byHistory = new Map<string, ToldRows[]>();
    for (const told of this.#unjudged.splice(0)) byHistory.set(told.historyId, [...(byHistory.get(told.historyId) ?? []), told]);
    for (const [historyId, told] of byHistory) {
      const known = history.of(historyId);
      if (known === undefined) findings.report('I33', `${told[0]?.where ?? ''}: a read is of history ${historyId}, which never was`);
      else this.#judgeOf(known, told);
      if (findings.any) return;
    }
  }

  #judgeOf(history: History, told: readonly ToldRows[]): void {
    const { findings } = this.#sources();
    const shadow = new Shadow({ ...this.#sources(), history });
    try {
      for (const one of [...told].sort((a, b) => a.version - b.version)) {
        if (one.version > history.head)
          return findings.report('I33', `${one.where}: a read is of version ${one.version}, and there is ${history.head}`);
        shadow.goTo(one.version);
        this.#compare(shadow, one);
        if (findings.any) return;
      }
    } finally {
      shadow.close();
    }
  }

  #compare(shadow: Shadow, { where, sql, params, sight, rows, version }: ToldRows): void {
    const right = shadow.rowsSeen(sql, params, sight).map(rowText);
    const said = rows.map(rowText);
    this.judged += 1;
    const isSame = right.length === said.length && right.every((row, index) => row === said[index]);
    this.#sources().findings.check(isSame, 'I33', () => {
      const [only, missing] = [said.filter((row) => !right.includes(row)), right.filter((row) => !said.includes(row))];
      return `${where}: ${sql} ${JSON.stringify(params)} at version ${version}: too much ${only.slice(0, 4).join(' ') || '—'}, missing ${missing.slice(0, 4).join(' ') || '—'} (${said.length} rows, ${right.length} right)`;
    });
  }
}

/** As replicas answer with them. */
export const rowsInCells = (cells: string): Row[] => toRows(JSON.parse(cells) as WireCell[][]); // what ReadAnswer says it holds
