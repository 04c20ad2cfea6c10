import { NAME_CHARACTERS_MAX } from '../bounds.ts';
import { formatMinute, initials, nameList, plural } from './words.ts';

/** Somebody in the room. */
export interface Person {
  readonly sessionId: string;
  readonly name: string;
  /** The name of a person's ink (map/ink.ts). */
  readonly color: string;
}

export interface PeopleProps {
  readonly me: Person;
  readonly others: readonly Person[];
  /** While this tab is away: since when it does not know who is here; else null. */
  readonly lastSeenMs: number | null;
  readonly onRename: (name: string) => void;
  /** Shows where somebody is on the map; absent for people without a cursor. */
  readonly onFollow: (sessionId: string) => void;
  readonly cursorOf: (sessionId: string) => boolean;
}

const SHOWN_MAX = 6;

/** Who is here: own mark first with the name to change, then everybody else; faded while nobody knows whether they still are. */
export function People({ me, others, lastSeenMs, onRename, onFollow, cursorOf }: PeopleProps) {
  const shown = others.slice(0, SHOWN_MAX);
  const rest = others.slice(SHOWN_MAX);
  const seen = lastSeenMs === null ? '' : `, last seen ${formatMinute(lastSeenMs)}`;
  return (
    <section
      className={lastSeenMs === null ? 'people' : 'people is-away'}
      aria-label={lastSeenMs === null ? `${plural(others.length + 1, 'person', 'people')} here` : `People who were here${seen}`}
    >
      <OwnName me={me} onRename={onRename} />
      <ul>
        {shown.map((person) => (
          <li key={person.sessionId}>
            <button
              type="button"
              className="bare"
              disabled={!cursorOf(person.sessionId)}
              onClick={() => onFollow(person.sessionId)}
              title={`${person.name}${seen}${cursorOf(person.sessionId) ? ': show where on the map' : ''}`}
            >
              <Mark person={person} />
              <span className="unseen">
                {cursorOf(person.sessionId) ? `Show where ${person.name} is` : person.name}
                {seen}
              </span>
            </button>
          </li>
        ))}
        {rest.length > 0 && (
          <li className="people-more" title={nameList(rest.map((one) => one.name))}>
            +{rest.length}
          </li>
        )}
      </ul>
    </section>
  );
}

/** The own mark with the own name beside it, which is a field: what is written there the others see. */
function OwnName({ me, onRename }: Pick<PeopleProps, 'me' | 'onRename'>) {
  return (
    <label className="people-me" title="Your name, as the others see it. Press to change it.">
      <Mark person={me} />
      <span className="unseen">Your name</span>
      <input
        key={me.name}
        defaultValue={me.name}
        dir="auto"
        maxLength={NAME_CHARACTERS_MAX}
        spellCheck={false}
        autoComplete="off"
        onFocus={(e) => e.target.select()}
        onBlur={(e) => {
          const name = e.target.value.trim();
          if (name === '') e.target.value = me.name;
          else if (name !== me.name) onRename(name);
        }}
        onKeyDown={(e) => {
          if (e.key === 'Escape') e.currentTarget.value = me.name;
          if (e.key === 'Enter' || e.key === 'Escape') e.currentTarget.blur();
        }}
      />
      <svg className="pencil" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M3 13l.8-3.200L11 2.600 13.400 5 6.200 12.200z" />
      </svg>
    </label>
  );
}

/** A person as a sign on the map: initials in a ring of their ink. */
export function Mark({ person }: { readonly person: Person }) {
  return (
    <span className="mark" aria-hidden="true" style={{ '--person': `var(--person-${person.color}, var(--ink))` }}>
      {initials(person.name)}
    </span>
  );
}

/** Who is typing, as a sentence; keeps its line while nobody is, so that nothing below it jumps. */
export function TypingLine({ people }: { readonly people: readonly Person[] }) {
  const names = people.map((one) => one.name);
  return (
    <p className="typing" aria-live="polite">
      {names.length > 0 && `${nameList(names)} ${names.length === 1 ? 'is' : 'are'} typing`}
    </p>
  );
}
