import { type KeyboardEvent, type RefObject, useEffect, useId, useRef, useState } from 'react';
import { onTouch } from '../on-touch.ts';
import { SchemaList } from './schema-list.tsx';
import { SqlAnswer, type SqlOutcome, type SqlPlace } from './sql-answer.tsx';

export type { SqlPlace } from './sql-answer.tsx';
import type { SqlTable } from './sql-complaint.ts';
import { sqlKey } from './sql-keys.ts';
import { nameToInsert } from './sql-text.ts';

export interface SqlExample {
  readonly name: string;
  /** What it shows, as a sentence. */
  readonly what: string;
  /** What is more to see of it in this tab: the server answers once. */
  readonly live?: string;
  readonly sql: string;
}

export interface SqlPanelProps {
  readonly examples: readonly SqlExample[];
  readonly tables: readonly SqlTable[];
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly where: SqlPlace;
  readonly onWhere: (where: SqlPlace) => void;
  readonly outcome: SqlOutcome;
  /** Runs the text, and keeps its result live until another one runs. */
  readonly onRun: () => void;
  /** Stops waiting for the query that runs. */
  readonly onStop: () => void;
  readonly onClose: () => void;
}

export const SQL_CHARACTERS_MAX = 10_000;

const PLACES: readonly (readonly [SqlPlace, string])[] = [
  ['tab', 'in this tab'],
  ['server', 'on the server'],
];

const onApple = () => /Mac|iPhone|iPad/.test(navigator.userAgent);

/** SQL over the replica in this tab, or one of the server's: text on the left, rows or bars on the right. */
export function SqlPanel(props: SqlPanelProps) {
  const { text, where, onWhere, outcome, onRun, onStop, onClose } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const [schemaOpen, setSchemaOpen] = useState(false);
  const running = outcome.status === 'running';
  useEffect(() => {
    if (!onTouch()) field.current?.focus();
  }, []);
  const run = () => {
    if (text.trim() === '') field.current?.focus();
    setSchemaOpen(false);
    onRun();
  };
  const onKeyDown = (e: KeyboardEvent) => {
    const step = sqlKey(e, running);
    if (step === null) return;
    e.preventDefault();
    if (step === 'run') run();
    else onStop();
  };
  return (
    <section className="sql" aria-label="SQL over this trip" onKeyDown={onKeyDown}>
      <div className="sql-sheet">
        <div className="sql-ask">
          <header>
            <h2>Ask the trip</h2>
            <div className="choice sql-where" role="group" aria-label="Where it runs">
              {PLACES.map(([place, name]) => (
                <button key={place} type="button" className="quiet" aria-pressed={place === where} onClick={() => onWhere(place)}>
                  {name}
                </button>
              ))}
            </div>
            <button type="button" className="bare close" aria-label="Close SQL" onClick={onClose}>
              ×
            </button>
          </header>
          <Question {...props} field={field} onRun={run} />
        </div>
        <div className="sql-answer" aria-live="polite" aria-busy={running}>
          <SqlAnswer
            outcome={outcome}
            text={text}
            where={where}
            schemaOpen={schemaOpen}
            onSchemaOpen={setSchemaOpen}
            onPlace={(from, to) => select(field, from, to)}
            schema={<SchemaList tables={props.tables} onInsert={(name) => insert(field, name, props.onText)} />}
          />
        </div>
      </div>
    </section>
  );
}

type Field = RefObject<HTMLTextAreaElement | null>;

function Question({ examples, text, onText, where, outcome, onRun, onStop, field }: SqlPanelProps & { readonly field: Field }) {
  const id = useId();
  const runButton = useRef<HTMLButtonElement>(null);
  const example = examples.find((one) => one.sql === text);
  const failed = outcome.status === 'failed' && outcome.text === text;
  const choose = ({ sql }: SqlExample) => {
    onText(sql);
    // One press away from its result, by any hand.
    runButton.current?.focus();
  };
  return (
    <>
      <ul className="examples" aria-label="Examples">
        {examples.map((one) => (
          <li key={one.name}>
            <button type="button" className="quiet" aria-pressed={one === example} onClick={() => choose(one)}>
              {one.name}
            </button>
          </li>
        ))}
      </ul>
      <textarea
        ref={field}
        aria-label="SQL"
        aria-describedby={`${id}-what`}
        aria-keyshortcuts="Control+Enter Meta+Enter"
        aria-invalid={failed}
        value={text}
        maxLength={SQL_CHARACTERS_MAX}
        spellCheck={false}
        autoCapitalize="off"
        onChange={(e) => onText(e.target.value)}
      />
      <div className="sql-run">
        <button ref={runButton} type="button" className="press" aria-describedby={`${id}-what`} onClick={onRun}>
          Run
        </button>
        {outcome.status === 'running' ? (
          <button type="button" className="quiet late" aria-label="Stop the query" onClick={onStop}>
            Stop <kbd>Esc</kbd>
          </button>
        ) : (
          example === undefined && <kbd>{onApple() ? '⌘ Return' : 'Ctrl + Enter'}</kbd>
        )}
        <p id={`${id}-what`} className="sql-what" hidden={outcome.status === 'running'}>
          {example === undefined ? null : where === 'tab' && example.live !== undefined ? `${example.what} ${example.live}` : example.what}
        </p>
      </div>
    </>
  );
}

function select(field: Field, from: number, to: number): void {
  field.current?.focus();
  field.current?.setSelectionRange(from, to);
}

/** Puts a name where the text's caret is, and the caret behind it. */
function insert({ current: field }: Field, name: string, onText: (text: string) => void): void {
  if (field === null) return;
  const { value, selectionStart: from, selectionEnd: to } = field;
  const piece = nameToInsert(value, from, to, name);
  if (value.length - (to - from) + piece.length > SQL_CHARACTERS_MAX) return;
  field.setRangeText(piece, from, to, 'end');
  onText(field.value);
  if (!onTouch()) field.focus();
}
