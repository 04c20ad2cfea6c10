import uPlot from './uplot.js';

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export const at = (id) => document.getElementById(id);
export const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

export const count = (value) => number.format(value);
export const counted = (value, one, many) => `${number.format(value)} ${value === 1 ? one : many}`;
export function bytes(value) {
  if (value >= 1e9) return `${number.format(value / 1e9)} GB`;
  if (value >= 1e6) return `${number.format(value / 1e6)} MB`;
  return value >= 1e3 ? `${number.format(value / 1e3)} KB` : `${value} B`;
}
/** Known from the second look on. */
export const rate = (value) => (value === null ? '–' : number.format(value));
export const percent = (share) => (share === null ? '–' : `${number.format(share * 100)} %`);
/** Of this page, as its reader's region writes it. */
export const clock = (atMs) => new Date(atMs).toLocaleTimeString();
export function ms(time) {
  if (time === null || time === undefined) return '–';
  if (time >= 10_000) return duration(time);
  if (time >= 999.5) return `${number.format(time / 1_000)} s`;
  return time >= 100 ? `${Math.round(time)} ms` : `${number.format(time)} ms`;
}

export function duration(time) {
  const minutes = Math.floor(time / 60_000);
  const [days, hours] = [Math.floor(minutes / 1_440), Math.floor(minutes / 60) % 24];
  if (days > 0) return `${days} d ${hours} h`;
  return minutes >= 60 ? `${hours} h ${minutes % 60} min` : minutes > 0 ? `${minutes} min` : `${Math.floor(time / 1_000)} s`;
}

/** Cells are [text, isBad, node]: a node stands in the place of its text. */
export function fill(id, head, rows) {
  const body = rows.map((cells) => {
    const row = make('tr', {});
    row.append(
      ...cells.map(([text, isBad, node]) => {
        const cell = make('td', { className: isBad ? 'bad' : '' });
        cell.append(node ?? text);
        return cell;
      }),
    );
    return row;
  });
  const top = make('tr', {});
  top.append(...head);
  at(id).replaceChildren(...(head.length === 0 ? [] : [top]), ...body);
}

export const headings = (titles) => titles.map((title) => make('th', { scope: 'col', textContent: title }));

/** Pairs of name and value, [name, text, isBad, isLong]: a long one has a line of its own. */
export function facts(list, pairs) {
  const shown = pairs.map(([name, text, isBad, isLong]) => {
    const pair = make('div', { className: isLong ? 'long' : '' });
    pair.append(make('dt', { textContent: name }), make('dd', { textContent: text, className: isBad ? 'bad' : '' }));
    return pair;
  });
  list.replaceChildren(...shown);
}

/** Seconds between the marks of time: from five minutes on uPlot itself would go from one to five. */
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600];
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
/** All marks of an axis in the unit of the highest. */
const timesOf = (marks) =>
  marks.map((mark) => ((marks.at(-1) ?? 0) >= 1_000 ? `${number.format(mark / 1_000)} s` : `${number.format(mark)} ms`));

/** Half a session is none. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000];

/** A line over time in a box of its own; `setData([time, values])` moves it on. */
export function plotIn(parent, title, { whole = false, time = false } = {}) {
  const box = make('div', { className: 'chart' });
  const body = make('div', {});
  box.append(make('h3', { textContent: title }), body);
  parent.append(box);
  const style = getComputedStyle(document.documentElement);
  const [accent, quiet, line] = ['--accent', '--quiet', '--line'].map((property) => resolved(style.getPropertyValue(property)));
  const axis = { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: '12px system-ui' };
  const size = () => ({ width: Math.max(200, body.clientWidth), height: 150 });
  const plot = new uPlot(
    {
      ...size(),
      legend: { show: false },
      cursor: { y: false },
      // To the right there is half of a mark of time.
      padding: [8, 30, 0, 0],
      // Years are of no interest here.
      axes: [
        { ...axis, size: 30, values: '{HH}:{mm}:{ss}', space: 80, incrs: SECONDS },
        {
          ...axis,
          size: 54,
          values: (_plot, marks) => (time ? timesOf(marks) : marks.map((mark) => short.format(mark))),
          ...(whole ? { incrs: WHOLE } : {}),
        },
      ],
      // A minute at least: the first looks are no chart yet.
      scales: {
        x: { range: (_plot, low, high) => [Math.min(low, high - 60), high] },
        y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] },
      },
      series: [{}, { stroke: accent, width: 2, fill: `color-mix(in srgb, ${accent} 14%, transparent)` }],
    },
    [[], []],
    body,
  );
  new ResizeObserver(() => plot.setSize(size())).observe(body);
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
