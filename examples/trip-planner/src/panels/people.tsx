import { NAME_CHARACTERS_MAX } from '../bounds.ts';
import { initials, nameList } from './words.ts';

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
  readonly onRename: (name: string) => void;
  /** Shows where somebody is on the map; absent for people without a cursor. */
  readonly onFollow: (sessionId: string) => void;
  readonly cursorOf: (sessionId: string) => boolean;
}

const SHOWN_MAX = 6;

/** Who is here: own mark first with the name to change, then everybody else. */
export function People({ me, others, onRename, onFollow, cursorOf }: PeopleProps) {
  const shown = others.slice(0, SHOWN_MAX);
  return (
    <section className="people" aria-label={`${others.length + 1} people here`}>
      <label className="people-me">
        <Mark person={me} />
        <span className="unseen">Your name</span>
        <input
          key={me.name}
          defaultValue={me.name}
          maxLength={NAME_CHARACTERS_MAX}
          spellCheck={false}
          autoComplete="off"
          onBlur={(e) => e.target.value.trim() !== '' && e.target.value.trim() !== me.name && onRename(e.target.value.trim())}
          onKeyDown={(e) => e.key === 'Enter' && e.currentTarget.blur()}
        />
      </label>
      <ul>
        {shown.map((person) => (
          <li key={person.sessionId}>
            <button
              type="button"
              className="bare"
              disabled={!cursorOf(person.sessionId)}
              onClick={() => onFollow(person.sessionId)}
              title={person.name}
            >
              <Mark person={person} />
              <span className="unseen">{cursorOf(person.sessionId) ? `Show where ${person.name} is` : person.name}</span>
            </button>
          </li>
        ))}
        {others.length > SHOWN_MAX && (
          <li className="people-more" title={nameList(others.slice(SHOWN_MAX).map((one) => one.name))}>
            +{others.length - SHOWN_MAX}
          </li>
        )}
      </ul>
    </section>
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
