import uPlot from './uplot.js';

const POLL_MS = 2_000;
/** Ten minutes. */
const SAMPLES_MAX = 300;
const TOKEN_KEY = 'alcove-admin-token';

const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
function bytes(count) {
  if (count >= 1e9) return `${number.format(count / 1e9)} GB`;
  if (count >= 1e6) return `${number.format(count / 1e6)} MB`;
  return count >= 1e3 ? `${number.format(count / 1e3)} KB` : `${count} B`;
}
/** Known from the second look on. */
const rate = (value) => (value === null ? '–' : number.format(value));
const ms = (time) =>
  time === null || time === undefined ? '–' : time >= 10_000 ? `${number.format(time / 1_000)} s` : `${number.format(time)} ms`;

function duration(time) {
  const minutes = Math.floor(time / 60_000);
  const [days, hours] = [Math.floor(minutes / 1_440), Math.floor(minutes / 60) % 24];
  if (days > 0) return `${days} d ${hours} h`;
  return minutes >= 60 ? `${hours} h ${minutes % 60} min` : minutes > 0 ? `${minutes} min` : `${Math.floor(time / 1_000)} s`;
}

/** What was read last, and what it says beside the one before. */
let before = null;
let sortBy = 'sessions';
let ascending = false;
let shownRooms = [];
let timer = 0;

const samples = { time: [], commits: [], sessions: [], cpu: [], reads: [] };

const token = () => sessionStorage.getItem(TOKEN_KEY);

async function look() {
  clearTimeout(timer);
  if (token() === null) return ask('');
  try {
    const response = await fetch('status', { headers: { authorization: `Bearer ${token()}` }, cache: 'no-store' });
    if (response.status === 401) {
      sessionStorage.removeItem(TOKEN_KEY);
      return ask('The server does not take this token.');
    }
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    show(await response.json());
  } catch (error) {
    say(`The server does not answer; trying again. ${error instanceof TypeError ? '' : error.message}`, true);
  }
  timer = setTimeout(() => void look(), document.hidden ? 5 * POLL_MS : POLL_MS);
}

function ask(reason) {
  clearTimeout(timer);
  at('figures').hidden = true;
  at('sign-out').hidden = true;
  at('sign-in').hidden = false;
  at('refused').textContent = reason;
  say('Signed out');
  at('token').focus();
}

function say(text, isBad = false) {
  at('state').textContent = text;
  at('state').classList.toggle('bad', isBad);
}

function show(status) {
  at('sign-in').hidden = true;
  at('sign-out').hidden = false;
  at('figures').hidden = false;
  const rates = ratesOf(status);
  say(
    status.status === 'ok'
      ? `Up for ${duration(status.metrics.uptimeMs)} · Node ${status.process.node.replace(/^v/, '')}`
      : 'The server is stopping',
    status.status !== 'ok',
  );
  showTiles(status, rates);
  showCharts(status, rates);
  showReplicas(status.reads);
  shownRooms = status.rooms.map((room) => ({ ...room, name: `${room.room}/${room.id}`, commits: rates.byRoom.get(keyOf(room)) ?? 0 }));
  showRooms(status.metrics.openRooms);
  showLimits(status.metrics.limitsMet);
  before = status;
}

const keyOf = ({ room, id, historyId }) => `${room}/${id} ${historyId}`;

/** Commits a second are what versions went on by; a server that was started anew begins again. */
function ratesOf(status) {
  const seconds = before === null ? 0 : (status.atMs - before.atMs) / 1_000;
  const known = new Map((before?.rooms ?? []).map((room) => [keyOf(room), room.version]));
  const isSame = seconds > 0 && before !== null && status.metrics.uptimeMs > before.metrics.uptimeMs;
  const byRoom = new Map();
  if (isSame) {
    for (const room of status.rooms) {
      const version = known.get(keyOf(room));
      if (version !== undefined) byRoom.set(keyOf(room), (room.version - version) / seconds);
    }
  }
  const commits = isSame ? [...byRoom.values()].reduce((sum, rate) => sum + rate, 0) : null;
  const cpu = isSame ? ((status.process.cpuMs - before.process.cpuMs) / (seconds * 1_000)) * 100 : null;
  const readsNow = status.reads.counts.answered;
  const reads = isSame ? Math.max(0, readsNow - before.reads.counts.answered) / seconds : null;
  return { byRoom, commits, cpu, reads };
}

function showTiles(status, rates) {
  const { metrics, process } = status;
  const tiles = [
    ['Sessions', number.format(metrics.sessions)],
    ['Open rooms', number.format(metrics.openRooms)],
    ['Connections', number.format(metrics.connections)],
    ['Commits a second', rate(rates.commits)],
    ['Reads a second', rate(rates.reads)],
    ['CPU', rates.cpu === null ? '–' : `${number.format(rates.cpu)} %`],
    ['Memory', bytes(process.residentBytes)],
  ];
  const shown = tiles.map(([name, value]) => {
    const tile = make('dl', { className: 'tile' });
    tile.append(make('dt', { textContent: name }), make('dd', { textContent: value }));
    return tile;
  });
  at('tiles').replaceChildren(...shown);
}

const CHARTS = [
  ['commits', 'Commits a second'],
  ['sessions', 'Sessions'],
  ['cpu', 'CPU of the process, %'],
  ['reads', 'Reads a second'],
];
/** Half a session is none. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000];
const plots = new Map();

function showCharts(status, rates) {
  samples.time.push(status.atMs / 1_000);
  samples.commits.push(rates.commits);
  samples.sessions.push(status.metrics.sessions);
  samples.cpu.push(rates.cpu);
  samples.reads.push(rates.reads);
  for (const list of Object.values(samples)) if (list.length > SAMPLES_MAX) list.shift();
  for (const [name, title] of CHARTS) {
    const plot = plots.get(name) ?? makePlot(name, title);
    plot.setData([samples.time, samples[name]]);
  }
}

function makePlot(name, title) {
  const box = make('div', { className: 'chart' });
  const body = make('div', {});
  box.append(make('h3', { textContent: title }), body);
  at('charts').append(box);
  const style = getComputedStyle(document.documentElement);
  const [accent, quiet, line] = ['--accent', '--quiet', '--line'].map((property) => resolved(style.getPropertyValue(property)));
  const axis = { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: '12px system-ui' };
  const size = () => ({ width: Math.max(200, body.clientWidth), height: 170 });
  const plot = new uPlot(
    {
      ...size(),
      legend: { show: false },
      cursor: { y: false },
      // Years are of no interest here.
      axes: [
        { ...axis, values: '{HH}:{mm}:{ss}', space: 90 },
        { ...axis, size: 46, ...(name === 'sessions' ? { incrs: WHOLE } : {}) },
      ],
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
      series: [{}, { stroke: accent, width: 2, fill: `color-mix(in srgb, ${accent} 14%, transparent)` }],
    },
    [samples.time, samples[name]],
    body,
  );
  new ResizeObserver(() => plot.setSize(size())).observe(body);
  plots.set(name, plot);
  return plot;
}

/** A canvas knows no light-dark(): an element says what it comes to. */
function resolved(color) {
  const probe = make('span', {});
  probe.style.color = color;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const ROOM_COLUMNS = [
  ['name', 'Room', (room) => room.name],
  ['sessions', 'Sessions', (room) => number.format(room.sessions)],
  ['commits', 'Commits/s', (room) => number.format(room.commits)],
  ['version', 'Version', (room) => number.format(room.version)],
  ['states', 'Presence', (room) => number.format(room.states)],
  ['behind', 'Behind', (room) => number.format(room.behind + room.hydrating)],
  ['queuedMutations', 'Waiting', (room) => number.format(room.queuedMutations)],
  ['logBytes', 'Log', (room) => bytes(room.logBytes)],
];

function showRooms(openRooms) {
  const wanted = at('find').value.trim().toLowerCase();
  const found = shownRooms.filter(({ name }) => name.toLowerCase().includes(wanted));
  const sorted = found.toSorted((a, b) => (a[sortBy] > b[sortBy] ? 1 : a[sortBy] < b[sortBy] ? -1 : 0) * (ascending ? 1 : -1));
  const left = (openRooms ?? shownRooms.length) - shownRooms.length;
  at('rooms-note').textContent =
    found.length === 0
      ? wanted === ''
        ? 'No room is open.'
        : 'No open room is called so.'
      : left > 0
        ? `The busiest ${shownRooms.length}; ${number.format(left)} more are open.`
        : '';
  const head = ROOM_COLUMNS.map(([key, title]) => {
    const th = make('th', { scope: 'col' });
    const button = make('button', { type: 'button', textContent: sortBy === key ? `${String(title)} ${ascending ? '▴' : '▾'}` : title });
    if (sortBy === key) th.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
    button.dataset.sort = key;
    th.append(button);
    return th;
  });
  // A key press on a heading must not lose its place every two seconds.
  const focused = document.activeElement?.dataset?.sort;
  fill(
    'room-table',
    found.length === 0 ? [] : head,
    sorted.map((room) => ROOM_COLUMNS.map(([key, , text]) => [text(room), key === 'behind' && room.behind > 0])),
  );
  if (focused !== undefined) at('room-table').querySelector(`[data-sort="${focused}"]`)?.focus();
}

/** Why a replica takes no reads, or fewer, in the order in which it matters. */
function stateOf({ enabled, draining, isUp, breakers, pace }) {
  if (!enabled) return 'off';
  if (draining) return 'draining';
  if (isUp === false) return 'down';
  const open = Object.entries(breakers).filter(([, state]) => state !== 'closed');
  if (open.length > 0) return open.map(([name, state]) => `${name} ${state}`).join(', ');
  if (pace !== 'closed') return 'slow';
  return isUp === null ? 'not checked yet' : 'ready';
}

function showReplicas({ replicas, counts, replicaShare }) {
  at('replicas').hidden = replicas.length === 0;
  if (replicas.length === 0) return;
  const share = replicaShare === null ? 'none yet' : `${number.format(replicaShare * 100)} %`;
  at('share').textContent =
    `${number.format(counts.answered)} reads answered, ${share} by replicas; ${number.format(counts.fallbacks)} fell back to this server’s own readers.`;
  const head = ['Replica', 'State', 'Reads', 'Errors', 'p50', 'p99', 'Running', 'Lag', 'Share'].map((title) =>
    make('th', { scope: 'col', textContent: title }),
  );
  const rows = replicas.map((one) => {
    const errors = Object.values(one.errors).reduce((sum, count) => sum + count, 0);
    const state = stateOf(one);
    return [
      [one.region === null ? one.id : `${one.id} · ${one.region}`, false],
      [state, state !== 'ready' && state !== 'not checked yet'],
      [number.format(one.reads), false],
      [number.format(errors), errors > 0],
      [ms(one.p50Ms), false],
      [ms(one.p99Ms), false],
      [`${one.inFlight} / ${one.concurrencyMax}`, false],
      [
        one.lag === null ? '–' : one.lag.ms === 0 ? 'none' : `${ms(one.lag.ms)} · ${number.format(one.lag.versions)} v`,
        (one.lag?.ms ?? 0) > 0,
      ],
      [one.share === null ? '–' : `${number.format(one.share * 100)} %`, false],
    ];
  });
  fill('replica-table', head, rows);
}

function showLimits(met) {
  const entries = Object.entries(met).toSorted(([, a], [, b]) => b - a);
  at('limits-none').hidden = entries.length > 0;
  const head = ['Limit', 'Times'].map((title) => make('th', { scope: 'col', textContent: title }));
  fill(
    'limit-table',
    entries.length === 0 ? [] : head,
    entries.map(([limit, count]) => [
      [limit, false],
      [number.format(count), false],
    ]),
  );
}

function fill(id, head, rows) {
  const body = rows.map((cells) => {
    const row = make('tr', {});
    row.append(...cells.map(([text, isBad]) => make('td', { textContent: text, className: isBad ? 'bad' : '' })));
    return row;
  });
  const top = make('tr', {});
  top.append(...head);
  at(id).replaceChildren(...(head.length === 0 ? [] : [top]), ...body);
}

const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

at('room-table').addEventListener('click', ({ target }) => {
  const key = target.dataset?.sort;
  if (key === undefined) return;
  ascending = sortBy === key ? !ascending : key === 'name';
  sortBy = key;
  showRooms();
});
at('find').addEventListener('input', () => showRooms());
at('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN_KEY, at('token').value);
  at('token').value = '';
  void look();
});
at('sign-out').addEventListener('click', () => {
  sessionStorage.removeItem(TOKEN_KEY);
  before = null;
  ask('');
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && token() !== null) void look();
});
void look();
