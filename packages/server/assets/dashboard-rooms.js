import { at, bytes, count, counted, facts, fill, make, plotIn } from './figures.js';

/** Ten minutes. */
const SAMPLES_MAX = 300;

let sortBy = 'sessions';
let ascending = false;
let shown = [];
let openRooms = 0;
/** By room: what its charts are drawn from. Rooms that are listed no more are forgotten. */
const samples = new Map();
/** The room whose figures are open, and its charts. */
let open = null;

const COLUMNS = [
  ['name', 'Room', (room) => room.name],
  ['sessions', 'Sessions', (room) => count(room.sessions)],
  ['present', 'Present', (room) => count(room.present)],
  ['commits', 'Commits/s', (room) => count(room.commits)],
  ['version', 'Version', (room) => count(room.version)],
  ['states', 'States', (room) => count(room.states)],
  ['behind', 'Behind', (room) => count(room.behind + room.hydrating)],
  ['queuedMutations', 'Waiting', (room) => count(room.queuedMutations)],
  ['logBytes', 'Log', (room) => bytes(room.logBytes)],
];

export const keyOf = ({ room, id, historyId }) => `${room}/${id} ${historyId}`;

/** @param rates Commits a second, by room. */
export function takeRooms(status, rates) {
  openRooms = status.metrics.openRooms;
  shown = status.rooms.map((room) => ({
    ...room,
    key: keyOf(room),
    name: `${room.room}/${room.id}`,
    present: room.stateSizes.presence.entries,
    commits: rates.get(keyOf(room)) ?? 0,
  }));
  const listed = new Set(shown.map(({ key }) => key));
  for (const key of samples.keys()) if (!listed.has(key)) samples.delete(key);
  for (const room of shown) {
    const lists = samples.get(room.key) ?? { time: [], commits: [], sessions: [] };
    samples.set(room.key, lists);
    lists.time.push(status.atMs / 1_000);
    lists.commits.push(rates.get(room.key) ?? null);
    lists.sessions.push(room.sessions);
    for (const list of Object.values(lists)) if (list.length > SAMPLES_MAX) list.shift();
  }
  showRooms();
  showRoom();
}

/** The server does not answer: the lines of all rooms end. */
export function breakRooms(time) {
  for (const lists of samples.values()) {
    lists.time.push(time);
    lists.commits.push(null);
    lists.sessions.push(null);
  }
  showRoom();
}

function showRooms() {
  const wanted = at('find').value.trim().toLowerCase();
  const found = shown.filter(({ name }) => name.toLowerCase().includes(wanted));
  const sorted = found.toSorted((a, b) => (a[sortBy] > b[sortBy] ? 1 : a[sortBy] < b[sortBy] ? -1 : 0) * (ascending ? 1 : -1));
  at('rooms-note').textContent = noteOf(found.length, wanted, openRooms - shown.length);
  const head = COLUMNS.map(([key, title]) => {
    const th = make('th', { scope: 'col' });
    const mark = ascending ? ' ▴' : ' ▾';
    const button = make('button', { type: 'button', textContent: sortBy === key ? String(title) + mark : title });
    if (sortBy === key) th.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
    button.dataset.sort = key;
    th.append(button);
    return th;
  });
  // A key press must not lose its place every two seconds.
  const { sort, open: opens } = document.activeElement?.dataset ?? {};
  fill(
    'room-table',
    found.length === 0 ? [] : head,
    sorted.map((room) =>
      COLUMNS.map(([key, , text]) => [text(room), key === 'behind' && room.behind > 0, key === 'name' ? opener(room) : undefined]),
    ),
  );
  const table = at('room-table');
  if (sort !== undefined) table.querySelector(`[data-sort="${sort}"]`)?.focus();
  if (opens !== undefined) [...table.querySelectorAll('[data-open]')].find((button) => button.dataset.open === opens)?.focus();
}

function noteOf(found, wanted, left) {
  if (found === 0) return wanted === '' ? 'No room is open.' : 'No open room is called so.';
  return left > 0 ? `The busiest ${shown.length}; ${count(left)} more are open.` : '';
}

function opener({ key, name }) {
  const button = make('button', { type: 'button', className: 'plain', textContent: name });
  button.dataset.open = key;
  button.setAttribute('aria-expanded', String(open?.key === key));
  return button;
}

function openRoom(key) {
  const room = shown.find((one) => one.key === key);
  if (room === undefined) return;
  at('room').hidden = false;
  at('room-charts').replaceChildren();
  at('room-name').textContent = room.name;
  const box = at('room-charts');
  open = { key, commits: plotIn(box, 'Commits a second'), sessions: plotIn(box, 'Sessions', { whole: true }) };
  showRoom();
  at('room').scrollIntoView({ block: 'nearest' });
  at('room-name').focus({ preventScroll: true });
}

function closeRoom() {
  const key = open?.key;
  open = null;
  at('room').hidden = true;
  showRooms();
  [...at('room-table').querySelectorAll('[data-open]')].find((button) => button.dataset.open === key)?.focus();
}

function showRoom() {
  if (open === null) return;
  const room = shown.find(({ key }) => key === open.key);
  const lists = samples.get(open.key);
  if (room === undefined || lists === undefined) {
    facts(at('room-facts'), [['State', 'It is not open any more, or not among the busiest.', false]]);
    return;
  }
  open.commits.setData([lists.time, lists.commits]);
  open.sessions.setData([lists.time, lists.sessions]);
  const { stateSizes, work } = room;
  const size = ({ entries, bytes: taken }) => `${count(entries)} · ${bytes(taken)}`;
  facts(at('room-facts'), [
    ['Sessions', sessionsText(room)],
    ['Version', `${count(room.version)}, floor ${count(room.floor)}`],
    ['History', room.historyId],
    ['Present', size(stateSizes.presence)],
    ['Cursors', size(stateSizes.cursors)],
    ['Other states', size(stateSizes.keys)],
    ['Sets', `${count(work.stateSets)}, ${count(work.stateEvictions)} evicted, ${count(work.stateExpiries)} expired`],
    ['Values', valuesText(work, room.unwrittenValues)],
    ['Since it was opened', `${counted(work.commits, 'commit', 'commits')}, ${counted(work.mutations, 'mutation', 'mutations')}`],
    ['Change log', bytes(room.logBytes)],
  ]);
}

/** A follower is no session: it has a link of its own, over which its tabs' sessions come. */
function sessionsText({ sessions, sessionsRelayed, followers }) {
  const relayed = sessionsRelayed === 0 ? '' : `, ${count(sessionsRelayed)} of them at followers`;
  const links = followers === 0 ? '' : `; ${counted(followers, 'follower', 'followers')}`;
  return `${count(sessions)}${relayed}${links}`;
}

/** What debouncing has saved: of the updates that came, those that needed no row of their own. */
export function valuesText({ valueUpdates, valueWrites }, unwritten) {
  if (valueUpdates === 0) return 'no update so far';
  const saved = Math.max(0, valueUpdates - valueWrites - unwritten) / valueUpdates;
  return `${counted(valueUpdates, 'update', 'updates')}, ${counted(valueWrites, 'row', 'rows')} written: ${Math.round(saved * 1_000) / 10} % of the writes saved`;
}

at('room-table').addEventListener('click', ({ target }) => {
  const { sort, open: opens } = target.dataset ?? {};
  if (opens !== undefined) {
    if (open?.key === opens) closeRoom();
    else openRoom(opens);
    showRooms();
  }
  if (sort === undefined) return;
  ascending = sortBy === sort ? !ascending : sort === 'name';
  sortBy = sort;
  showRooms();
});
at('room-close').addEventListener('click', () => closeRoom());
at('find').addEventListener('input', () => showRooms());
