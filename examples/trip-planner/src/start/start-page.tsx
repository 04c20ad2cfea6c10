import { type ReactNode, type SubmitEvent, useEffect, useState } from 'react';
import '../sheet.ts';
import { TITLE_CHARACTERS_MAX } from '../bounds.ts';
import { WrittenText } from '../panels/rejected-list.tsx';
import { plural } from '../panels/words.ts';
import { EXAMPLE_NAME, pathOfTrip, titleOfTrip } from '../trip-address.ts';
import { useTheme } from '../use-theme.ts';
import { addressOfFresh, addressToStart } from './fresh-trip.ts';
import { knownTrips, onTripsChanged, takeOffList } from './known-trips.ts';
import { partingWord, partingWordSaid } from './parting-word.ts';
import './start.css';

const openAddress = (address: string) => location.assign(address);
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** Where somebody comes who has no trip's address: name a new one, look at the example, go on with one of before. */
export function StartPage() {
  return (
    <Frame title="Trip planner" says="Plan a trip together, on one map.">
      <Parting />
      <NewTrip />
      <p className="start-or">
        or{' '}
        <button type="button" className="link" onClick={() => openAddress(addressOfFresh(EXAMPLE_NAME, { title: null, empty: false }))}>
          look at the example
        </button>
        , a route through Japan with a packing list.
      </p>
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

/** For a trip's address behind which there is no trip. */
export function NoSuchTrip({ id }: { readonly id: string }) {
  return (
    <Frame title={titleOfTrip(id)} says="There is no trip at this address yet.">
      <div className="start-choice">
        <a className="press" href={addressToStart(id)}>
          Start it here
        </a>
        <a href="/">All my trips</a>
      </div>
      <p className="aside">Looking for a trip that somebody sent you? Then compare the address with theirs: a letter may be missing.</p>
    </Frame>
  );
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
  const { id, title, undecided, texts } = word;
  return (
    <section className="start-parting" role="status" aria-label="Removed from this device">
      <p dir="auto">
        “{title}” was removed from this device in another tab. <a href={pathOfTrip(id)}>Open it again</a>
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

function NewTrip() {
  const [name, setName] = useState('');
  const onSubmit = (e: SubmitEvent) => {
    e.preventDefault();
    const title = name.trim();
    if (title !== '') openAddress(addressOfFresh(title, { title, empty: true }));
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
      <button type="submit" className="press" disabled={name.trim() === ''}>
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
