import { at, bytes, count, duration, facts, fill, headings, make, percent, plotIn, rate } from './figures.js';
import { orderBy, showReplicas } from './replicas.js';
import { keyOf, takeRooms, valuesText } from './rooms.js';

const POLL_MS = 2_000;
/** Ten minutes. */
const SAMPLES_MAX = 300;
const TOKEN_KEY = 'alcove-admin-token';

/** What was read last: rates are what changed since. */
let before = null;
let timer = 0;

const samples = { time: [], commits: [], sessions: [], cpu: [], reads: [], p99: [], lag: [] };

const token = () => sessionStorage.getItem(TOKEN_KEY);
const headers = () => ({ authorization: `Bearer ${token()}` });

async function look() {
  clearTimeout(timer);
  if (token() === null) return ask('');
  try {
    const response = await fetch('status', { headers: headers(), cache: 'no-store' });
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

orderBy(async (order) => {
  const response = await fetch('replicas', { method: 'POST', headers: headers(), body: JSON.stringify(order) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error?.message ?? `The server answered ${response.status}.`);
  void look();
});

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
  showReplicas(status);
  takeRooms(status, rates.byRoom);
  showStates(status.metrics);
  showLimits(status.metrics.limitsMet);
  before = status;
}

/** Commits of a room a second are what its version went on by; a server that was started anew begins again. */
function ratesOf(status) {
  const seconds = before === null ? 0 : (status.atMs - before.atMs) / 1_000;
  const isSame = seconds > 0 && before !== null && status.metrics.uptimeMs > before.metrics.uptimeMs;
  const byRoom = new Map();
  if (!isSame) return { byRoom, commits: null, cpu: null, reads: null };
  const known = new Map(before.rooms.map((room) => [keyOf(room), room.version]));
  for (const room of status.rooms) {
    const version = known.get(keyOf(room));
    if (version !== undefined) byRoom.set(keyOf(room), (room.version - version) / seconds);
  }
  return {
    byRoom,
    commits: (status.metrics.work.commits - before.metrics.work.commits) / seconds,
    cpu: ((status.process.cpuMs - before.process.cpuMs) / (seconds * 1_000)) * 100,
    reads: Math.max(0, status.reads.counts.answered - before.reads.counts.answered) / seconds,
  };
}

function showTiles({ metrics, process, reads }, rates) {
  const hasReplicas = reads.replicas.some(({ isPrimary }) => !isPrimary);
  const tiles = [
    ['Sessions', count(metrics.sessions)],
    ['Open rooms', count(metrics.openRooms)],
    ['Connections', count(metrics.connections)],
    ['Present', count(metrics.ephemeral.presence)],
    ['Commits/s', rate(rates.commits)],
    ['Reads/s', rate(rates.reads)],
    ...(hasReplicas ? [['Reads by replicas', percent(reads.replicaShare)]] : []),
    ['CPU', rates.cpu === null ? '–' : `${count(rates.cpu)} %`],
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
  ['sessions', 'Sessions', { whole: true }],
  ['cpu', 'CPU of the process, %'],
  ['reads', 'Reads a second'],
  ['p99', 'p99 of the slowest replica, ms'],
  ['lag', 'Lag of the furthest replica, ms'],
];
const plots = new Map();

function showCharts(status, rates) {
  const lags = status.reads.replicas.flatMap(({ isPrimary, lag }) => (isPrimary || lag === null ? [] : [lag.ms]));
  if (status.mirror !== null) lags.push(status.mirror.totals.lagMs);
  samples.time.push(status.atMs / 1_000);
  samples.commits.push(rates.commits);
  samples.sessions.push(status.metrics.sessions);
  samples.cpu.push(rates.cpu);
  samples.reads.push(rates.reads);
  const p99s = status.reads.replicas.flatMap(({ p99Ms }) => p99Ms ?? []);
  samples.p99.push(p99s.length === 0 ? null : Math.max(...p99s));
  samples.lag.push(lags.length === 0 ? null : Math.max(...lags));
  for (const list of Object.values(samples)) if (list.length > SAMPLES_MAX) list.shift();
  for (const [name, title, options] of CHARTS) {
    // Where nobody follows there is no lag.
    if (name === 'lag' && lags.length === 0 && !plots.has(name)) continue;
    const plot = plots.get(name) ?? plotIn(at('charts'), title, options);
    plots.set(name, plot);
    plot.setData([samples.time, samples[name]]);
  }
}

function showStates({ ephemeral, work }) {
  facts(at('state-facts'), [
    ['Present', count(ephemeral.presence)],
    ['Cursors', count(ephemeral.cursors)],
    ['Other states', count(ephemeral.keys)],
    ['In memory', bytes(ephemeral.bytes)],
    ['Sets', `${count(work.stateSets)}, ${count(work.stateEvictions)} evicted, ${count(work.stateExpiries)} expired`],
    ['Debounced values', valuesText(work, ephemeral.unwrittenValues)],
    ['Unwritten', `${count(ephemeral.unwrittenValues)} · ${bytes(ephemeral.unwrittenValueBytes)}`],
  ]);
}

function showLimits(met) {
  const entries = Object.entries(met).toSorted(([, a], [, b]) => b - a);
  at('limits-none').hidden = entries.length > 0;
  fill(
    'limit-table',
    entries.length === 0 ? [] : headings(['Limit', 'Times']),
    entries.map(([limit, times]) => [
      [limit, false],
      [count(times), false],
    ]),
  );
}

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
