import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { MapCursor } from './map/cursor-layer.ts';
import { inkBeside } from './map/person-inks.ts';
import type { Person } from './panels/people.tsx';
import { tripHooks } from './trip-client.ts';
import { inventAnother, useVisitor } from './visitor.ts';

const { useRoom, usePresence, useOthers, useCursors, useSyncStatus } = tripHooks;

const NOBODY_POINTS: readonly MapCursor[] = [];
const NOBODY_TYPES: ReadonlyMap<string, readonly Person[]> = new Map();

/**
 * Who is here, where they point and what they write; and the same said of oneself. While this tab is away (`sinceMs`) those who were here are still known;
 * where they point and what they do is not.
 */
export function useCompany(stopIds: readonly string[], sinceMs: number | null) {
  const [visitor, rename] = useVisitor();
  const [, setPresence] = usePresence();
  const { sessionId: ownSession, user } = useSyncStatus();
  const sessionId = ownSession ?? 'me';
  const userId = user?.sub ?? null;
  const present = useOthers();
  const { name } = visitor;
  const [cameMs] = useState(() => Date.now());
  // In an order all agree on, each looks only at those before: whoever comes later gives way, and nobody's choice makes another one choose anew for ever.
  const before = present.filter((other) => isBefore(other, { sessionId, cameMs }));
  // Whoever has given way keeps what they took: a neighbour who loads the page again would swap inks with them.
  const worn = useRef(visitor.color);
  const color = inkBeside(
    worn.current,
    before.map(({ state }) => state.color),
  );
  useEffect(() => {
    worn.current = color;
  }, [color]);
  // Another window of the same person has the same name, as it should.
  const isNameTaken = visitor.isInvented && before.some((other) => other.userId !== userId && other.state.name === name);
  useEffect(() => {
    if (isNameTaken) inventAnother(present.map(({ state }) => state.name));
  }, [isNameTaken, present]);
  useEffect(() => setPresence({ name, color, sinceMs: cameMs }), [setPresence, name, color, cameMs]);
  const others = useMemo(() => present.map(({ sessionId: id, state }): Person => ({ sessionId: id, ...state })), [present]);
  const { others: pointing, set: setCursor } = useCursors();
  const cursors = useMemo(
    () =>
      pointing.flatMap(({ sessionId: id, state }): MapCursor[] => {
        const person = others.find((one) => one.sessionId === id);
        return person === undefined ? [] : [{ ...person, ...state }];
      }),
    [pointing, others],
  );
  const here = sinceMs === null;
  // Who was here when the connection was lost: what is known of them runs out meanwhile, and not because they left.
  const lastKnown = useRef(others);
  useEffect(() => {
    if (here) lastKnown.current = others;
  }, [here, others]);
  const room = useRoom();
  const typing = useTyping(stopIds, others);
  return {
    me: { sessionId, name, color },
    others: here ? others : lastKnown.current,
    lastSeenMs: sinceMs,
    cursors: here ? cursors : NOBODY_POINTS,
    typing: here ? typing : NOBODY_TYPES,
    /** The name of somebody else by what the server knows them as. */
    nameOf: (other: string | null) => present.find((one) => one.userId === other && other !== userId)?.state.name ?? null,
    rename,
    setCursor,
    setTyping: (stopId: string, typing: boolean) => room.ephemeral('typing', stopId).set(typing ? true : null),
  };
}

interface Present {
  readonly sessionId: string;
  readonly state: { readonly sinceMs: number };
}

const isBefore = ({ sessionId, state }: Present, me: { readonly sessionId: string; readonly cameMs: number }): boolean =>
  state.sinceMs < me.cameMs || (state.sinceMs === me.cameMs && sessionId < me.sessionId);

/** Who writes a note on which stop. */
function useTyping(stopIds: readonly string[], others: readonly Person[]): ReadonlyMap<string, readonly Person[]> {
  const room = useRoom();
  const ids = stopIds.join(' ');
  const writers = useMemo(() => {
    const states = ids.split(' ').map((stopId) => ({ stopId, shared: room.ephemeral('typing', stopId) }));
    return {
      subscribe: (listener: () => void) => {
        const ends = states.map(({ shared }) => shared.others.subscribe(listener));
        return () => ends.forEach((end) => end());
      },
      /** As text, so that equal ones are the same: stop and session on each line. */
      getSnapshot: () =>
        states.flatMap(({ stopId, shared }) => shared.others.getSnapshot().map((other) => `${stopId} ${other.sessionId}`)).join('\n'),
    };
  }, [room, ids]);
  const lines = useSyncExternalStore(writers.subscribe, writers.getSnapshot);
  return useMemo(() => {
    const people = new Map<string, Person[]>();
    for (const line of lines.split('\n')) {
      const [stopId = '', sessionId] = line.split(' ');
      const person = others.find((one) => one.sessionId === sessionId);
      if (person !== undefined) people.set(stopId, [...(people.get(stopId) ?? []), person]);
    }
    return people;
  }, [lines, others]);
}
