import { at, clock, count, counted, duration, facts, fill, headings, make, ms, percent } from './figures.js';

/** By id: what is shown of it. Kept from look to look, so that focus and open lists stay where they are. */
const cards = new Map();
const MIRROR = 'the mirror itself';
let post = async () => undefined;

/** @param send Posts an order and gives the answer; throws what the server said. */
export const orderBy = (send) => {
  post = send;
};

/** Why a replica takes no reads, or fewer, in the order in which it matters: [text, how bad]. */
function stateOf({ enabled, draining, wrong, isUp, breakers, pace, lag }) {
  if (wrong.length > 0) return ['wrong rows', 'bad'];
  if (!enabled) return ['off', 'quiet'];
  if (draining) return ['draining', 'quiet'];
  if (isUp === false) return ['down', 'bad'];
  const open = Object.entries(breakers).filter(([, state]) => state !== 'closed');
  if (open.length > 0) return [`breaker ${open.map(([name, state]) => `${name} ${state}`).join(', ')}`, 'bad'];
  if (pace !== 'closed') return [`slow, ${pace}`, 'bad'];
  if (isUp === null) return ['not looked at yet', 'quiet'];
  return lag !== null && lag.ms > 0 ? ['behind', 'warn'] : ['ready', 'good'];
}

export function showReplicas({ reads, mirror, rooms }) {
  const { replicas, counts, replicaShare, slowReads } = reads;
  at('replicas').hidden = replicas.length === 0 && mirror === null;
  if (at('replicas').hidden) return;
  at('share').textContent = shareText(counts, replicaShare, replicas);
  const known = [...new Set(rooms.map(({ room, id }) => `${room}/${id}`))];
  const shown = [
    ...replicas.map((replica) => [replica.id, () => showReplica(replica, known)]),
    // Its PostgreSQL stands among the replicas as well, with a card of its own.
    ...(mirror === null ? [] : [[MIRROR, () => showMirror(mirror, known)]]),
  ];
  const ids = new Set(shown.map(([id]) => id));
  for (const [id, { root }] of cards) {
    if (ids.has(id)) continue;
    root.remove();
    cards.delete(id);
  }
  for (const [, show] of shown) show();
  showSlow(slowReads);
}

function shareText(counts, replicaShare, replicas) {
  const others = replicas.filter(({ isPrimary }) => !isPrimary).length;
  if (counts.answered === 0) return 'No read has been answered yet.';
  const share =
    others === 0 ? '' : `, ${percent(replicaShare)} by replicas; ${count(counts.fallbacks)} fell back to this server’s own readers`;
  return `${count(counts.answered)} ${counts.answered === 1 ? 'read' : 'reads'} answered${share}.`;
}

function cardOf(id, title, actions) {
  const known = cards.get(id);
  if (known !== undefined) return known;
  const root = make('article', { className: 'card' });
  const name = make('h3', { textContent: title });
  const badge = make('span', { className: 'badge' });
  const top = make('header', {});
  top.append(name, badge);
  const trouble = make('p', { className: 'bad', hidden: true });
  const list = make('dl', { className: 'facts' });
  const sync = make('details', { hidden: true });
  const summary = make('summary', {});
  const table = make('table', {});
  const scroll = make('div', { className: 'scroll' });
  scroll.append(table);
  sync.append(summary, scroll);
  const buttons = make('div', { className: 'buttons' });
  const byName = new Map(
    actions.map(([order, text]) => {
      const button = make('button', { type: 'button', textContent: text });
      button.dataset.order = order;
      button.setAttribute('aria-label', `${text} ${title}`);
      buttons.append(button);
      return [order, button];
    }),
  );
  root.append(top, trouble, list, sync, buttons);
  root.setAttribute('aria-label', title);
  at('replica-cards').append(root);
  const card = { root, badge, trouble, list, sync, summary, table, byName };
  cards.set(id, card);
  return card;
}

function mark({ root, badge, trouble }, [text, how], problems) {
  badge.textContent = text;
  badge.className = `badge ${how}`;
  root.classList.toggle('troubled', how === 'bad');
  trouble.hidden = problems.length === 0;
  trouble.textContent = problems.join(' ');
}

const lagText = (lag) => (lag === null ? '–' : lag.ms === 0 ? 'none' : `${ms(lag.ms)} · ${counted(lag.versions, 'version', 'versions')}`);

function showReplica(replica, known) {
  const { id, region, isPrimary, dialect, enabled, draining, wrong, lag, lastError, isUp, sync } = replica;
  const named = [id, ...(region === null ? [] : [region]), ...(dialect === 'sqlite' ? [] : ['PostgreSQL'])].join(' · ');
  const card = cardOf(id, named, [
    ['check', 'Check'],
    ['drain', 'Drain'],
    ['disable', 'Disable'],
    ['enable', 'Enable'],
    ...(isPrimary || (sync === null && dialect === 'sqlite') ? [] : [['resync', 'Resync…']]),
  ]);
  const problems = wrong.map(
    ({ room, tables }) => `Other rows than the primary in ${room.name}/${room.id}${tables.length === 0 ? '' : ` (${tables.join(', ')})`}.`,
  );
  if (isUp === false && lastError !== null) problems.push(`${lastError.code}: ${lastError.message}`);
  mark(card, stateOf(replica), problems);
  facts(card.list, [
    ...readFacts(replica),
    // What it was when it was last there says nothing of now.
    isUp === false ? ['Lag', 'not known'] : ['Lag', isPrimary ? 'none' : lagText(lag), (lag?.ms ?? 0) > 0],
    ['Looked at', replica.checkedMsAgo === null ? 'not yet' : `${duration(replica.checkedMsAgo)} ago`],
    ...(isPrimary ? [] : comparedFacts(replica)),
    ...(replica.ejections === 0 ? [] : [['Taken out as slow', count(replica.ejections), true]]),
  ]);
  const isOut = !enabled || draining;
  for (const [order, button] of card.byName) {
    button.hidden = order === 'enable' ? !isOut : order === 'drain' || order === 'disable' ? isOut : false;
    button.onclick = () => begin(order, replica, known);
  }
  if (sync !== null) showSync(card, sync, isUp !== false);
}

const total = (codes) => Object.values(codes).reduce((sum, one) => sum + one, 0);

/** How it answers reads. What a statement fails of by itself is no fault of whoever was asked. */
function readFacts(replica) {
  const [errors, ofStatements] = [total(replica.errors), total(replica.statementErrors)];
  return [
    ['Reads', `${count(replica.reads)}${replica.share === null ? '' : ` · ${percent(replica.share)}`}`],
    ['p50 · p99, last minute', replica.p50Ms === null ? '–' : `${ms(replica.p50Ms)} · ${ms(replica.p99Ms)}`],
    ['Running', `${replica.inFlight} of ${replica.concurrencyMax}${replica.queued === 0 ? '' : `, ${replica.queued} wait`}`],
    ['Errors', count(errors), errors > 0],
    ['Errors of statements', count(ofStatements)],
    ['Asked of another instead', count(replica.passedOn)],
  ];
}

function comparedFacts({ compared, uncompared }) {
  const late = compared.late === 0 ? '' : `, ${count(compared.late)} not in time`;
  const text = `${count(compared.same + compared.wrong)}, ${count(compared.wrong)} wrong, ${count(compared.unsure)} unsure${late}`;
  return [
    ['Compared', text, compared.wrong > 0],
    ...(uncompared.count === 0 ? [] : [['Not compared', uncomparedText(uncompared), true, true]]),
  ];
}

/** The one that waits longest, and how many there are. */
function uncomparedText({ count: many, rooms }) {
  const [{ room, sinceMs, tries, reason }] = rooms;
  const others = many === 1 ? '' : `; ${count(many - 1)} more`;
  return `${room.name}/${room.id} since ${clock(sinceMs)}, ${counted(tries, 'try', 'tries')} (${reason})${others}`;
}

function showMirror(mirror, known) {
  const card = cardOf(MIRROR, 'PostgreSQL mirror', [
    ['check', 'Check…'],
    ['resync', 'Resync…'],
  ]);
  const { state, error, totals, waiting, checks, url } = mirror;
  mark(
    card,
    state === 'running'
      ? totals.lagMs > 0
        ? ['behind', 'warn']
        : ['running', 'good']
      : [state, state === 'unavailable' ? 'bad' : 'quiet'],
    error === null ? [] : [`${error.code}: ${error.message}.`, error.hint],
  );
  facts(card.list, [
    ['At', url, false, true],
    ['Lag', totals.lagMs === 0 ? 'none' : lagText({ ms: totals.lagMs, versions: totals.lagVersions }), totals.lagMs > 0],
    ['Waiting', count(waiting)],
    ['Compared', `${count(checks.done)}, ${count(checks.drifted)} drifted, ${count(checks.repaired)} made anew`, checks.drifted > 0],
  ]);
  for (const [order, button] of card.byName) button.onclick = () => begin(order, { id: 'mirror', isMirror: true }, known);
  showSync(card, mirror, state !== 'unavailable');
}

/** Of one that is not reached it is what was known last. */
function showSync({ sync, summary, table }, { totals, rooms, omitted }, isReached) {
  sync.hidden = false;
  const errors = totals.errors === 0 ? '' : `, ${counted(totals.errors, 'error', 'errors')} (${percent(totals.errorRate)} of all tries)`;
  summary.textContent = `${count(totals.healthy)} of ${count(totals.rooms)} rooms healthy${isReached ? '' : ' when it was last reached'}${errors}`;
  const rows = rooms.map(
    ({ room, id, state, version, lagMs, lagVersions, ageMs, batches, rows: written, errors: failed, errorRate, error }) => [
      [`${room}/${id}`, false],
      [error === null ? state : `${state}: ${error.code}`, state === 'failing'],
      [version === null ? '–' : count(version), false],
      [lagText({ ms: lagMs, versions: lagVersions }), lagMs > 0],
      [ageMs === null ? 'never' : `${duration(ageMs)} ago`, false],
      [`${count(batches)} · ${count(written)}`, false],
      [failed === 0 ? '0' : `${count(failed)} · ${percent(errorRate)}`, failed > 0],
    ],
  );
  table.id = table.id === '' ? `sync-${cards.size}-${Math.round(performance.now())}` : table.id;
  fill(table.id, rooms.length === 0 ? [] : headings(['Room', 'State', 'Version', 'Lag', 'Last change', 'Batches · rows', 'Errors']), rows);
  if (omitted > 0) table.append(lastRow(`${count(omitted)} more, none worse than these`));
}

function lastRow(text) {
  const row = make('tr', {});
  row.append(make('td', { textContent: text, colSpan: 7 }));
  return row;
}

function showSlow(slowReads) {
  at('slow').hidden = slowReads.length === 0;
  at('slow-title').textContent = `Slow reads of the last ten minutes (${slowReads.length})`;
  fill(
    'slow-table',
    headings(['Room', 'Took', 'Replica', 'When', 'Statement']),
    slowReads.map(({ replica, room, tookMs, timedOut, sql, atMs }) => [
      [`${room.name}/${room.id}`, false],
      [timedOut ? `${ms(tookMs)}, ended` : ms(tookMs), timedOut],
      [replica ?? '–', false],
      [clock(atMs), false],
      [sql, false, make('code', { textContent: sql })],
    ]),
  );
}

const TEXTS = {
  drain: (id) => [`Drain ${id}?`, 'It ends what it has and takes no new reads until it is enabled. The others answer meanwhile.', 'Drain'],
  disable: (id) => [`Disable ${id}?`, 'It takes no more reads until it is enabled. The others answer meanwhile.', 'Disable'],
  disableOwn: (id) => [
    `Disable ${id}?`,
    'They are this server’s own readers: with them off nobody stands in for replicas that are behind or gone, and what replicas hold is compared with nothing.',
    'Disable',
  ],
  resync: (id) => [
    `Have ${id} take a room anew?`,
    'It throws its copy away and takes a fresh one. Reads of the room go elsewhere until it is level.',
    'Resync',
  ],
  checkMirror: (id) => [
    `Compare a room of the ${id}`,
    'What PostgreSQL holds is compared with the room at one version, and copied anew where it differs.',
    'Compare',
  ],
};

/** Orders that take something away are asked for once more; those of a room ask for which. */
function begin(order, { id, isPrimary, dialect, isMirror }, known) {
  if ((order === 'check' && !isMirror) || order === 'enable') return void give({ do: order, id });
  const kind = order === 'check' ? 'checkMirror' : order === 'disable' && isPrimary && dialect === 'sqlite' ? 'disableOwn' : order;
  const [title, text, verb] = TEXTS[kind](id);
  const wantsRoom = order === 'resync' || order === 'check';
  at('order-title').textContent = title;
  at('order-text').textContent = text;
  at('order-do').textContent = verb;
  at('order-refused').textContent = '';
  at('order-room').hidden = !wantsRoom;
  at('order-room-name').value = wantsRoom && known.length === 1 ? known[0] : '';
  at('order-rooms').replaceChildren(...known.map((value) => make('option', { value })));
  at('order-do').onclick = () => {
    const room = at('order-room-name').value.trim();
    if (wantsRoom && !/^[^/\s]+\/[^/\s]+$/.test(room)) {
      at('order-refused').textContent = 'Write the room as name/id.';
      at('order-room-name').focus();
      return;
    }
    at('order').close();
    void give({ do: order, id, ...(wantsRoom ? { room } : {}) }, isMirror ? MIRROR : id);
  };
  at('order').showModal();
  (wantsRoom ? at('order-room-name') : at('order-cancel')).focus();
}

const DOING = { check: 'Looking at', drain: 'Draining', disable: 'Disabling', enable: 'Enabling', resync: 'Taking anew' };
const DONE = { check: 'Looked at', drain: 'Drained', disable: 'Disabled', enable: 'Enabled', resync: 'Taken anew' };

async function give(order, card = order.id) {
  const what = order.room === undefined ? order.id : `${order.room} of ${order.id}`;
  tell(`${DOING[order.do]} ${what}…`);
  const buttons = [...(cards.get(card)?.byName.values() ?? [])];
  for (const button of buttons) button.disabled = true;
  try {
    await post(order);
    tell(`${DONE[order.do]}: ${what}.`);
  } catch (error) {
    tell(`${what}: ${error.message}`, true);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

function tell(text, isBad = false) {
  at('told').textContent = text;
  at('told').classList.toggle('bad', isBad);
}

at('order-cancel').addEventListener('click', () => at('order').close());
at('order-room-name').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter') return;
  event.preventDefault();
  at('order-do').click();
});
