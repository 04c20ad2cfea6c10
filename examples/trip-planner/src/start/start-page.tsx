import { type ReactNode, type SubmitEvent, useEffect, useState } from 'react';
import '../sheet.ts';
import { TITLE_CHARACTERS_MAX } from '../bounds.ts';
import { WrittenText } from '../panels/rejected-list.tsx';
import { plural } from '../panels/words.ts';
import { addressWith, EXAMPLE_NAME, pathOfTrip, titleOfTrip } from '../trip-address.ts';
import { useTheme } from '../use-theme.ts';
import { linkOfOldTrip, startTrip, type Wishes } from './fresh-trip.ts';
import { knownTrips, onTripsChanged, takeOffList } from './known-trips.ts';
import { partingWord, partingWordSaid } from './parting-word.ts';
import './start.css';

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** Where somebody comes who has no trip's address: name a new one, look at the example, go on with one of before. */
export function StartPage() {
  const { start, isStarting, failed } = useStart();
  return (
    <Frame title="Trip planner" says="Plan a trip together, on one map.">
      <Parting />
      <NewTrip isStarting={isStarting} onStart={(title) => start(title, { title, empty: true })} />
      <p className="start-or">
        or{' '}
        <button type="button" className="link" disabled={isStarting} onClick={() => start(EXAMPLE_NAME, { title: null, empty: false })}>
          look at the example
        </button>
        , a route through Japan with a packing list.
      </p>
      {failed && <p role="alert">No trip was started: the server does not answer. It may be stopped, or the network is down.</p>}
      <BeforeNow />
    </Frame>
  );
}

/** For an address that is no trip's. */
export function NoSuchPlace({ path }: { readonly path: string }) {
  return (
    <Frame title="There is no such place" says={`No map has ${path}.`}>
      <p>
        Trips have addresses like <code>/trip/japan-2027</code>: perhaps a part was lost on the way here. <a href="/">To the start</a>
      </p>
      <BeforeNow />
    </Frame>
  );
}

/** For a trip's address without a key: a trip of before trips had keys opens by it, as it always did; any other is private. */
export function KeylessTrip({ id, hadKey }: { readonly id: string; readonly hadKey: boolean }) {
  const [isShut, setShut] = useState(hadKey);
  useEffect(() => {
    if (hadKey) return;
    // The page loads again when a key comes into its address: see main.tsx.
    linkOfOldTrip(id).then(
      (link) => (link === null ? setShut(true) : location.replace(link)),
      () => setShut(true),
    );
  }, [id, hadKey]);
  return isShut ? <PrivateTrip id={id} hadKey={hadKey} /> : null;
}

/** For a trip's address without a key that opens it: the same words whether there is such a trip or not. `hadKey`: the address had one, or what is left of one. */
export function PrivateTrip({ id, hadKey }: { readonly id: string; readonly hadKey: boolean }) {
  return (
    <Frame title={titleOfTrip(id)} says="This trip is private.">
      <p>
        {hadKey
          ? 'Your link does not open it: perhaps a part was lost on the way here, or it is no longer good. Ask whoever sent it for the whole link.'
          : 'It opens by its link, and this address alone is only a part of one. Ask somebody who is in the trip: “Share” gives them the whole link.'}
      </p>
      <p className="aside">
        <a href="/">All my trips</a>
      </p>
    </Frame>
  );
}

/** Starts a trip and goes there. */
function useStart() {
  const [state, setState] = useState<'idle' | 'starting' | 'failed'>('idle');
  const start = (name: string, wishes: Wishes) => {
    setState('starting');
    startTrip(name, wishes).then(
      (address) => location.assign(address),
      () => setState('failed'),
    );
  };
  // Whoever comes back to this page by the browser's own way may start another one.
  useEffect(() => {
    const shown = ({ persisted }: PageTransitionEvent) => persisted && setState('idle');
    addEventListener('pageshow', shown);
    return () => removeEventListener('pageshow', shown);
  }, []);
  return { start, isStarting: state === 'starting', failed: state === 'failed' };
}

function Frame({ title, says, children }: { readonly title: string; readonly says: string; readonly children: ReactNode }) {
  useTheme();
  return (
    <main className="start">
      <div className="start-sheet">
        <h1 dir="auto">{title}</h1>
        <p className="start-says" dir="auto">
          {says}
        </p>
        {children}
      </div>
      <Route />
    </main>
  );
}

/** The example's route, as a sign of what this is. */
const ROUTE: readonly (readonly [x: number, y: number])[] = [
  [630, 148],
  [626, 70],
  [534, 108],
  [494, 115],
  [459, 81],
  [410, 197],
  [226, 243],
  [82, 363],
];

function Route() {
  return (
    <svg className="start-route" viewBox="0 0 720 440" aria-hidden="true">
      {[90, 270, 450, 630].map((x) => (
        <path key={x} className="graticule" d={`M${x} 0V440`} />
      ))}
      {[70, 243, 416].map((y) => (
        <path key={y} className="graticule" d={`M0 ${y}H720`} />
      ))}
      <polyline points={ROUTE.map((point) => point.join(' ')).join(' ')} />
      {ROUTE.map(([x, y]) => (
        <circle key={x} cx={x} cy={y} r="9" />
      ))}
    </svg>
  );
}

/** Why somebody is here who was on a trip a moment ago. Once: who loads the page again has read it. */
function Parting() {
  const [word] = useState(partingWord);
  useEffect(partingWordSaid, []);
  if (word === null) return null;
  const { id, title, undecided, texts, key } = word;
  return (
    <section className="start-parting" role="status" aria-label="Removed from this device">
      <p dir="auto">
        “{title}” was removed from this device in another tab.{' '}
        <a href={key === null ? pathOfTrip(id) : addressWith(pathOfTrip(id), key)}>Open it again</a>
      </p>
      {undecided > 0 && (
        <p>
          {plural(undecided, 'change')} of this tab may not have reached the server. Look whether {undecided === 1 ? 'it is' : 'they are'}{' '}
          there.
        </p>
      )}
      {texts.map((text, i) => (
        <WrittenText key={i} text={text} />
      ))}
    </section>
  );
}

function NewTrip({ isStarting, onStart }: { readonly isStarting: boolean; readonly onStart: (title: string) => void }) {
  const [name, setName] = useState('');
  const onSubmit = (e: SubmitEvent) => {
    e.preventDefault();
    const title = name.trim();
    if (title !== '' && !isStarting) onStart(title);
  };
  return (
    <form className="start-new" onSubmit={onSubmit}>
      <input
        aria-label="Name of the new trip"
        placeholder="Name a new trip"
        dir="auto"
        maxLength={TITLE_CHARACTERS_MAX}
        value={name}
        autoComplete="off"
        enterKeyHint="go"
        autoFocus
        onChange={(e) => setName(e.target.value)}
      />
      <button type="submit" className="press" disabled={name.trim() === '' || isStarting}>
        Start
      </button>
    </form>
  );
}

function BeforeNow() {
  const [trips, setTrips] = useState(knownTrips);
  useEffect(() => onTripsChanged(() => setTrips(knownTrips())), []);
  if (trips.length === 0) return null;
  const forget = (id: string) => {
    takeOffList(id);
    setTrips(knownTrips());
  };
  return (
    <section className="start-trips" aria-labelledby="trips-of-before">
      <h2 id="trips-of-before">Lately in this browser</h2>
      <ul>
        {trips.map(({ id, title, openedMs }) => (
          <li key={id}>
            <a href={pathOfTrip(id)}>
              <strong dir="auto">{title}</strong>
              <span>{day.format(openedMs)}</span>
            </a>
            <button type="button" className="close" aria-label={`Take ${title} off this list`} onClick={() => forget(id)}>
              ×
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
