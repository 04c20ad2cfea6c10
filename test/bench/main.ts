// Runs benches; cli.ts bundles it first. Arguments: [NAME …] [--json] [--runs N]
import { parseArgs } from 'node:util';
import { benches } from './benches.ts';
import type { Figure, Skipped } from './measure.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, runs: { type: 'string', default: '9' } },
});

const runs = Number(values.runs);
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0 || !Number.isSafeInteger(runs) || runs < 1) {
  console.error(`usage: npm run bench [-- NAME …] [--json] [--runs N]\nbenches: ${benches.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

for (const bench of benches) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  const figures = await bench.run({ runs, say: (line) => console.error(`${bench.name}: ${line}`) });
  for (const figure of figures) console.log(values.json ? JSON.stringify('skipped' in figure ? figure : rounded(figure)) : lineOf(figure));
}

function lineOf(figure: Figure | Skipped): string {
  if ('skipped' in figure) return `${figure.name}: skipped, ${figure.skipped}`;
  const { name, unit, ours, floor, ratio, spread, runs: count, what } = rounded(figure);
  const against = floor === null ? '' : `, floor ${floor} ${unit}, ratio ${ratio}`;
  return `${name}: ${ours} ${unit}${against} (spread ${spread}, ${count} runs)\n    ${what}`;
}

/** Four digits are more than a shared machine can tell apart. */
function rounded(figure: Figure): Figure {
  const round = <Value extends number | null>(value: Value): Value => (value === null ? value : Number(value.toPrecision(4))) as Value; // null stays null
  return { ...figure, ours: round(figure.ours), floor: round(figure.floor), ratio: round(figure.ratio), spread: round(figure.spread) };
}
