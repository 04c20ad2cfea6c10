import { type ReactNode, useRef, useState } from 'react';
import { Looking } from './panels/looking.tsx';
import { TripTitle } from './panels/trip-title.tsx';
import type { Part } from './use-page.ts';
import type { Theme } from './use-theme.ts';
import './sheet.ts';
import './layout.css';
import './panels/panels.css';
import './panels/sql.css';

declare module 'react' {
  interface CSSProperties {
    /** Custom properties, by which components hand numbers and colours to the style sheet. */
    [name: `--${string}`]: string | number;
  }
}

export interface AppLayoutProps {
  readonly title: string;
  readonly onRename: (title: string) => void;
  readonly figures: string;
  /** How much is packed, in words; empty where there is nothing to pack. */
  readonly packed: string;
  readonly part: Part;
  readonly onPart: (part: Part) => void;
  readonly sqlOpen: boolean;
  readonly onSql: (open: boolean) => void;
  readonly theme: Theme;
  readonly onTheme: (theme: Theme) => void;
  readonly onShowRoute: () => void;
  readonly onZoom: (steps: number) => void;
  readonly people: ReactNode;
  readonly share: ReactNode;
  readonly search: ReactNode;
  readonly route: ReactNode;
  readonly packing: ReactNode;
  readonly budget: ReactNode;
  readonly sql: ReactNode;
  readonly status: ReactNode;
  readonly map: ReactNode;
  /** Before there is a trip to show. */
  readonly loading: ReactNode;
  /** What lies on the map for a while: corrections, a city's card. */
  readonly slips: ReactNode;
}

/** One printed sheet: the map inside its neatline, everything else in the margins. Layout only. */
export function AppLayout(props: AppLayoutProps) {
  const { title, figures, part, onPart, sqlOpen } = props;
  const [folded, setFolded] = useState(false);
  const show = (next: Part, withSql: boolean) => {
    // On a phone SQL is one of the parts, and a second press on the same part gives its room to the map.
    setFolded(withSql && next === part && !sqlOpen && !folded);
    if (withSql) props.onSql(false);
    onPart(next);
  };
  return (
    <div className="page" data-part={part} data-folded={folded} data-sql={sqlOpen}>
      <div className="sheet">
        <header className="masthead">
          <TripTitle title={title} onRename={props.onRename} />
          {props.share}
          <p className="figures">{figures}</p>
          {props.people}
        </header>
        <Looking />
        <div className="finder">{props.search}</div>
        <Parts {...props} folded={folded} onShow={show} />
        <aside className="margin" aria-label="Trip">
          <section className="part-route" aria-label="Route">
            {props.route}
          </section>
          <section className="part-packing" aria-label="Packing list">
            {props.packing}
          </section>
        </aside>
        <section className="part-budget" aria-label="Budget">
          {props.budget}
        </section>
      </div>
      <div className="board">
        <main className="chartroom" aria-label="Map">
          {props.map}
          {props.loading}
          <div className="slips" data-slips>
            {props.slips}
          </div>
          <p className="credit" data-furniture>
            Cities: <a href="https://www.geonames.org/">GeoNames</a>, <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>
          </p>
          <MapControls onShowRoute={props.onShowRoute} onZoom={props.onZoom} />
        </main>
        {props.sql}
        <footer className="foot">
          {props.status}
          <button type="button" className="quiet foot-sql" data-sql-switch aria-pressed={sqlOpen} onClick={() => props.onSql(!sqlOpen)}>
            SQL
          </button>
          <button type="button" className="quiet" onClick={() => props.onTheme(props.theme === 'dark' ? 'light' : 'dark')}>
            {props.theme === 'dark' ? 'Day' : 'Night'}
          </button>
        </footer>
      </div>
    </div>
  );
}

function MapControls({ onShowRoute, onZoom }: Pick<AppLayoutProps, 'onShowRoute' | 'onZoom'>) {
  return (
    <div className="controls" data-furniture role="group" aria-label="Map view">
      <button type="button" aria-label="Zoom in" onClick={() => onZoom(1)}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2.5 8h11M8 2.5v11" />
        </svg>
      </button>
      <button type="button" aria-label="Zoom out" onClick={() => onZoom(-1)}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2.5 8h11" />
        </svg>
      </button>
      <button type="button" aria-label="Show the whole route" title="Show the whole route" onClick={onShowRoute}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2 5.5V2h3.5M10.500 2H14v3.500M14 10.500V14h-3.500M5.500 14H2v-3.500M4.500 10.500l3-4 2 2.500 2.500-3.500" />
        </svg>
      </button>
    </div>
  );
}

type PartsProps = Pick<AppLayoutProps, 'part' | 'packed' | 'sqlOpen' | 'onSql'> & {
  readonly folded: boolean;
  /** `withSql`: SQL is one of these parts, as it is on a phone; on a wide screen it stands beside them. */
  readonly onShow: (part: Part, withSql: boolean) => void;
};

function Parts({ part, packed, sqlOpen, folded, onShow, onSql }: PartsProps) {
  const current = (one: Part) => part === one && !folded;
  const sql = useRef<HTMLButtonElement>(null);
  const show = (one: Part) => onShow(one, sql.current?.checkVisibility() === true);
  return (
    <nav className="parts" aria-label="Parts of the trip">
      <button type="button" aria-pressed={current('route')} data-part="route" onClick={() => show('route')}>
        Route
      </button>
      <button type="button" aria-pressed={current('packing')} data-part="packing" onClick={() => show('packing')}>
        Packing {packed !== '' && <span className="figure">{packed}</span>}
      </button>
      <button type="button" aria-pressed={current('budget')} data-part="budget" onClick={() => show('budget')}>
        Budget
      </button>
      <button ref={sql} type="button" aria-pressed={sqlOpen} data-part="sql" data-sql-switch onClick={() => onSql(!sqlOpen)}>
        SQL
      </button>
    </nav>
  );
}
