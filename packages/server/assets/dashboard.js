import { at, bytes, clock, count, duration, facts, fill, headings, make, percent, plotIn, rate } from './figures.js';
import { orderBy, showReplicas } from './replicas.js';
import { breakRooms, keyOf, takeRooms, valuesText } from './rooms.js';

const POLL_MS = 2_000;
/** A server that stands still takes connections and answers nothing. */
const ANSWER_MS = 5_000;
/** Ten minutes. */
const SAMPLES_MAX = 300;
const TOKEN_KEY = 'alcove-admin-token';

/** What was read last: rates are what changed since. */
let before = null;
/** When that was, by this page's clock. */
let beforeMs = 0;
let timer = 0;

const samples = { time: [], commits: [], sessions: [], cpu: [], reads: [], p99: [], lag: [] };

const token = () => sessionStorage.getItem(TOKEN_KEY);
const headers = () => ({ authorization: `Bearer ${token()}` });

async function look() {
  clearTimeout(timer);
  if (token() === null) return ask('');
  try {
    const response = await fetch('status', { headers: headers(), cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) });
    if (response.status === 401) {
      sessionStorage.removeItem(TOKEN_KEY);
      return ask('The server does not take this token.');
    }
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    show(await response.json());
  } catch (error) {
    miss(error);
  }
  timer = setTimeout(() => void look(), document.hidden ? 5 * POLL_MS : POLL_MS);
}

/** What is shown stays, marked as old, and the lines of the charts end: nobody knows what is meanwhile. */
function miss(error) {
  const why = error instanceof TypeError || error.name === 'TimeoutError' ? '' : ` ${error.message}`;
  const isOld = before !== null;
  say(`The server does not answer; trying again.${why}${isOld ? ` These figures are of ${clock(beforeMs)}.` : ''}`, true);
  if (!isOld || at('figures').classList.contains('old')) return;
  at('figures').classList.add('old');
  const time = (before.atMs + Date.now() - beforeMs) / 1_000;
  for (const name of Object.keys(samples)) sample(name, name === 'time' ? time : null);
  breakRooms(time);
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
  at('figures').classList.remove('old');
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
  beforeMs = Date.now();
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
    ...(metrics.followerLinks === 0
      ? []
      : [
          ['At followers', count(metrics.sessionsRelayed)],
          ['Follower links', count(metrics.followerLinks)],
        ]),
    ['Open rooms', count(metrics.openRooms)],
    ['Connections', count(metrics.connections)],
    ['Present', count(metrics.ephemeral.presence)],
    ['Commits/s', rate(rates.commits)],
    ['Reads/s', rate(rates.reads)],
    ...(hasReplicas ? [['By replicas', percent(reads.replicaShare)]] : []),
    ['CPU', rates.cpu === null ? '–' : `${count(rates.cpu)} %`],
    ['Memory', bytes(Math.round(process.residentBytes / 1e6) * 1e6)],
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
  ['p99', 'p99 of the slowest replica, last minute', { time: true }],
  ['lag', 'Lag of the furthest replica', { time: true }],
];
/** Where nothing was read, or nobody follows, there is nothing to draw. */
const LATE = new Set(['p99', 'lag']);
const plots = new Map();

function sample(name, value) {
  samples[name].push(value);
  if (samples[name].length > SAMPLES_MAX) samples[name].shift();
}

function showCharts(status, rates) {
  sample('time', status.atMs / 1_000);
  sample('commits', rates.commits);
  sample('sessions', status.metrics.sessions);
  sample('cpu', rates.cpu);
  sample('reads', rates.reads);
  sample('p99', highest(status.reads.replicas.flatMap(({ p99Ms }) => p99Ms ?? [])));
  sample('lag', highest(lagsOf(status)));
  for (const [name, title, options] of CHARTS) {
    if (LATE.has(name) && !plots.has(name) && samples[name].at(-1) === null) continue;
    const plot = plots.get(name) ?? plotIn(at('charts'), title, options);
    plots.set(name, plot);
    plot.setData([samples.time, samples[name]]);
  }
}

const highest = (values) => (values.length === 0 ? null : Math.max(...values));

/** Of one that is down nobody knows it. */
function lagsOf({ reads, mirror }) {
  const lags = reads.replicas.flatMap(({ isPrimary, isUp, lag }) => (isPrimary || isUp === false || lag === null ? [] : [lag.ms]));
  return mirror === null ? lags : [...lags, mirror.totals.lagMs];
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
