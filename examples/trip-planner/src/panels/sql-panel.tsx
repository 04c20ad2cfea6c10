import { type KeyboardEvent, useState } from 'react';
import { BarChart } from './bar-chart.tsx';
import { barsOf, type ResultTable as Table, valueColumns } from './chart-scale.ts';
import { ResultTable } from './result-table.tsx';

/** What became of the query that runs now or ran last. */
export type SqlOutcome =
  | { readonly status: 'idle' }
  | { readonly status: 'running' }
  | { readonly status: 'done'; readonly table: Table; readonly elapsedMs: number | null; readonly live: boolean }
  | { readonly status: 'failed'; readonly message: string; readonly hint: string | null };

export interface SqlExample {
  readonly name: string;
  readonly sql: string;
}

export interface SqlPanelProps {
  readonly examples: readonly SqlExample[];
  readonly outcome: SqlOutcome;
  /** Runs the text, and keeps its result live until another one runs. */
  readonly onRun: (sql: string) => void;
  readonly onClose: () => void;
}

export const SQL_CHARACTERS_MAX = 10_000;

/** SQL over the replica in this tab: text on the left, rows or bars on the right. */
export function SqlPanel({ examples, outcome, onRun, onClose }: SqlPanelProps) {
  const [text, setText] = useState(examples[0]?.sql ?? '');
  const run = (sql: string) => {
    setText(sql);
    if (sql.trim() !== '') onRun(sql);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== 'Enter' || !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    run(text);
  };
  return (
    <section className="sql" aria-label="SQL over this trip">
      <div className="sql-ask">
        <header>
          <h2>Ask the replica</h2>
          <button type="button" className="bare close" aria-label="Close SQL" onClick={onClose}>
            ×
          </button>
        </header>
        <ul className="examples" aria-label="Examples">
          {examples.map((example) => (
            <li key={example.name}>
              <button type="button" className="quiet" aria-pressed={example.sql === text} onClick={() => run(example.sql)}>
                {example.name}
              </button>
            </li>
          ))}
        </ul>
        <textarea
          aria-label="SQL"
          value={text}
          maxLength={SQL_CHARACTERS_MAX}
          spellCheck={false}
          autoCapitalize="off"
          onChange={(e) => setText(e.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className="sql-run">
          <button type="button" className="press" onClick={() => run(text)}>
            Run
          </button>
          <span className="keys">Ctrl + Enter</span>
        </div>
      </div>
      <div className="sql-answer" aria-live="polite" aria-busy={outcome.status === 'running'}>
        <Answer outcome={outcome} />
      </div>
    </section>
  );
}

function Answer({ outcome }: { readonly outcome: SqlOutcome }) {
  switch (outcome.status) {
    case 'idle':
      return <p className="empty">Choose an example, or write a query of your own.</p>;
    case 'running':
      return <p className="empty">Running…</p>;
    case 'failed':
      return (
        <div className="sql-failed" role="alert">
          <p>{outcome.message}</p>
          {outcome.hint !== null && <p className="hint">{outcome.hint}</p>}
        </div>
      );
    case 'done':
      return <Result {...outcome} />;
  }
}

function Result({ table, elapsedMs, live }: { readonly table: Table; readonly elapsedMs: number | null; readonly live: boolean }) {
  const [form, setForm] = useState<'table' | 'chart'>('chart');
  const [measure, setMeasure] = useState<string | undefined>(undefined);
  const bars = barsOf(table, measure);
  const measures = valueColumns(table);
  const shown = bars === null ? 'table' : form;
  return (
    <>
      <header className="sql-form">
        <p className="figure">
          {table.rows.length.toLocaleString('en')} {table.rows.length === 1 ? 'row' : 'rows'}
          {elapsedMs !== null && ` in ${elapsedMs < 10 ? elapsedMs.toFixed(1) : Math.round(elapsedMs)} ms`}
          {live && ', live'}
        </p>
        {shown === 'chart' && measures.length > 1 && (
          <select aria-label="Column the bars measure" value={bars?.valueColumn} onChange={(e) => setMeasure(e.target.value)}>
            {measures.map((column) => (
              <option key={column}>{column}</option>
            ))}
          </select>
        )}
        {bars !== null && (
          <div className="choice" role="group" aria-label="Form of the result">
            {(['chart', 'table'] as const).map((one) => (
              <button key={one} type="button" className="quiet" aria-pressed={shown === one} onClick={() => setForm(one)}>
                {one === 'chart' ? 'Bars' : 'Rows'}
              </button>
            ))}
          </div>
        )}
      </header>
      <div className="sql-scroll" tabIndex={0} role="region" aria-label="Result">
        {shown === 'chart' && bars !== null ? <BarChart bars={bars} /> : <ResultTable table={table} />}
      </div>
    </>
  );
}
