import { type ReactNode, useState } from 'react';
import { BarChart } from './bar-chart.tsx';
import { barsOf, figuresOf, formOf, valueColumns } from './chart-choice.ts';
import type { ResultTable as Table } from './chart-scale.ts';
import { ResultTable } from './result-table.tsx';
import type { SqlComplaint } from './sql-complaint.ts';
import { markedLine } from './sql-text.ts';
import { formatMs, plural } from './words.ts';

const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Where a query is run: on this tab's replica, or on one of the server's. */
export type SqlPlace = 'tab' | 'server';

export interface SqlDone {
  readonly status: 'done';
  /** What was run. */
  readonly text: string;
  readonly table: Table;
  /** From the press to the rows, both ways through the worker. */
  readonly elapsedMs: number;
  readonly live: boolean;
  /** When somebody's change last changed the rows; null while they are those of the run. */
  readonly changedAt: Date | null;
  /** Who read it on the server; absent: this tab did. */
  readonly server?: SqlServer;
}

/** How a server answered: when, which of its replicas, how far that was behind the trip, how long it took, and whether there are more rows. */
export interface SqlServer {
  readonly at: Date;
  readonly replica: string;
  readonly lagMs: number;
  readonly tookMs: number;
  readonly truncated: boolean;
}

/** What became of the query that runs now or ran last. */
export type SqlOutcome =
  | { readonly status: 'idle' }
  /** `before`: the result that is shown until there is another. */
  | { readonly status: 'running'; readonly before: SqlDone | null }
  | { readonly status: 'stopped' }
  /** There was nothing to run. */
  | { readonly status: 'empty' }
  | SqlDone
  | { readonly status: 'failed'; readonly text: string; readonly complaint: SqlComplaint };

export interface SqlAnswerProps {
  readonly outcome: SqlOutcome;
  /** What stands in the field now. */
  readonly text: string;
  /** Where the next one runs. */
  readonly where: SqlPlace;
  /** The list of tables, shown where it helps and where it is asked for. */
  readonly schema: ReactNode;
  readonly schemaOpen: boolean;
  readonly onSchemaOpen: (open: boolean) => void;
  /** Puts the keyboard at a place of the text. */
  readonly onPlace: (from: number, to: number) => void;
}

/** The right side of the panel: rows, bars or figures; what is wrong; or the tables there are. */
export function SqlAnswer(props: SqlAnswerProps) {
  const { outcome, where, schema, schemaOpen, onSchemaOpen, onPlace } = props;
  const done = outcome.status === 'done' ? outcome : outcome.status === 'running' ? outcome.before : null;
  if (done !== null && !schemaOpen) return <Result {...props} done={done} />;
  const back = outcome.status === 'done' || (outcome.status === 'failed' && schemaOpen);
  return (
    <>
      {schemaOpen && (
        <header className="sql-form">
          <h3>Tables</h3>
          {back && (
            <button type="button" className="quiet choice" onClick={() => onSchemaOpen(false)}>
              Back to the result
            </button>
          )}
        </header>
      )}
      <div className="sql-scroll">
        {!schemaOpen && <Words outcome={outcome} where={where} onPlace={onPlace} />}
        {(schemaOpen || outcome.status !== 'failed' || outcome.complaint.listTables) && outcome.status !== 'running' && schema}
      </div>
    </>
  );
}

function Words({ outcome, where, onPlace }: Pick<SqlAnswerProps, 'outcome' | 'where' | 'onPlace'>) {
  switch (outcome.status) {
    case 'failed':
      return <Complaint text={outcome.text} complaint={outcome.complaint} onPlace={onPlace} />;
    case 'running':
      return <p className="empty">Running…</p>;
    case 'stopped':
      return (
        <p className="empty">
          {where === 'server'
            ? 'Stopped: the server has ended it, too.'
            : 'Stopped. What SQLite has begun it still ends, or is made to after five seconds; until then this tab’s other queries wait.'}
        </p>
      );
    case 'empty':
      return <p className="empty">There is nothing to run yet: write a query, or take an example. Press a name to put it into yours.</p>;
    case 'idle':
    case 'done':
      return (
        <p className="empty">
          {where === 'server'
            ? 'A replica on the server reads the trip, all that you may see of it. Press a name to put it into your query.'
            : 'Every row of this trip that you may see is in this tab, and no query leaves it. Press a name to put it into yours.'}
        </p>
      );
  }
}

function Complaint({
  text,
  complaint,
  onPlace,
}: {
  readonly text: string;
  readonly complaint: SqlComplaint;
  readonly onPlace: SqlAnswerProps['onPlace'];
}) {
  const { message, hint, place } = complaint;
  const line = place === null ? null : markedLine(text, place.from, place.to);
  return (
    <div className="sql-failed" role="alert">
      <p>{message}</p>
      {line !== null && place !== null && (
        <button type="button" className="sql-place" aria-label={`Go to line ${line.number}`} onClick={() => onPlace(place.from, place.to)}>
          <span className="figure">{line.number}</span>
          <code>
            {line.before}
            <mark>{line.marked === '' ? ' ' : line.marked}</mark>
            {line.after}
          </code>
        </button>
      )}
      {hint !== null && <p className="hint">{hint}</p>}
    </div>
  );
}

type Form = 'chart' | 'table';

function Result({ done, outcome, text, onSchemaOpen }: SqlAnswerProps & { readonly done: SqlDone }) {
  const { table } = done;
  const [chosen, setChosen] = useState<Form | null>(null);
  const [measure, setMeasure] = useState<string | undefined>(undefined);
  const bars = barsOf(table, measure);
  const figures = figuresOf(table);
  const form = chosen === 'table' || (chosen === 'chart' && bars !== null) ? chosen : formOf(table);
  const measures = valueColumns(table);
  return (
    <>
      <header className="sql-form">
        <p className={done.server === undefined ? 'figure' : 'figure by-whom'}>{summaryOf(done, text)}</p>
        {form === 'chart' && measures.length > 1 && (
          <select aria-label="Column the bars measure" value={bars?.valueColumn} onChange={(e) => setMeasure(e.target.value)}>
            {measures.map((column) => (
              <option key={column}>{column}</option>
            ))}
          </select>
        )}
        <div className="choice" role="group" aria-label="Form of the result">
          {bars !== null && <Choice name="Bars" on={form === 'chart'} onChoose={() => setChosen('chart')} />}
          {(bars !== null || figures !== null) && (
            <Choice name="Rows" on={form === 'table'} onChoose={() => setChosen(form === 'table' && figures !== null ? null : 'table')} />
          )}
          <Choice name="Tables" on={false} onChoose={() => onSchemaOpen(true)} />
        </div>
      </header>
      <div
        className="sql-scroll"
        tabIndex={0}
        role="region"
        aria-label="Result"
        data-late={outcome.status === 'running'}
        data-old={isOld(done, text)}
      >
        {form === 'figures' && figures !== null && <Figures figures={figures} />}
        {form === 'chart' && bars !== null && <BarChart bars={bars} />}
        {form === 'table' &&
          (table.rows.length === 0 ? <p className="empty">No row answers this query.</p> : <ResultTable table={table} />)}
      </div>
    </>
  );
}

function Choice({ name, on, onChoose }: { readonly name: string; readonly on: boolean; readonly onChoose: () => void }) {
  return (
    <button type="button" className="quiet" aria-pressed={on} onClick={onChoose}>
      {name}
    </button>
  );
}

/** A number alone needs no axis: it is set large. */
function Figures({ figures }: { readonly figures: readonly { readonly name: string; readonly value: string }[] }) {
  return (
    <dl className="sql-figures">
      {figures.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Something else stands in the field by now. */
const isOld = ({ text: ran }: SqlDone, text: string): boolean => ran.trim() !== text.trim();

/** `“readers” took 4 ms, up to date at 14:03:22`: rows from the server stay as they were, while the trip goes on. */
function byWhom({ at, replica, lagMs, tookMs, truncated }: SqlServer): string {
  const age = lagMs === 0 ? 'up to date' : `${formatMs(lagMs)} behind`;
  return `${truncated ? ', the first of more' : ''}, “${replica}” took ${formatMs(tookMs)}, ${age} at ${timeOfDay.format(at)}`;
}

/** `25 rows in 38 ms, live`: how many, how long the run took, and what has become of them since. */
function summaryOf(done: SqlDone, text: string): string {
  const { table, elapsedMs, live, changedAt, server } = done;
  const since =
    server !== undefined ? byWhom(server) : changedAt === null ? (live ? ', live' : '') : `, changed at ${timeOfDay.format(changedAt)}`;
  return `${plural(table.rows.length, 'row')} in ${formatMs(elapsedMs)}${isOld(done, text) ? ', of the last run' : since}`;
}
