// Runs every test that draws its input again and again, each time with another seed. `npm test` draws the same each time.
//   node scripts/properties.mjs [rounds] [first seed] [part of a path …]
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root, runNode } from './run-command.mjs';

const [rounds = '10', first = '2', ...parts] = process.argv.slice(2);
if (![rounds, first].every((given) => /^\d+$/.test(given)) || Number(rounds) === 0)
  throw new Error(`${rounds} rounds from seed ${first}: give two whole numbers`);

const draws = namesOf(/\/properties\.ts'/);
const shared = draws.filter((path) => !path.endsWith('.test.ts')).map((path) => basename(path).replaceAll('.', '\\.'));
const throughOthers = namesOf(new RegExp(`/(${shared.join('|')})'`));
const files = [...new Set([...draws, ...throughOthers])]
  .filter((path) => path.endsWith('.test.ts'))
  .filter((path) => parts.length === 0 || parts.some((part) => path.includes(part)));
if (files.length === 0) throw new Error(`no test that draws its input has one of these in its path: ${parts.join(', ')}`);
/** @type {number[]} */
const failed = [];
for (let seed = Number(first); seed < Number(first) + Number(rounds); seed += 1) {
  console.log(`\n── seed ${seed}, ${files.length} files`);
  const { code } = await runNode(['node_modules/vitest/vitest.mjs', 'run', '--reporter=dot', ...files], {
    env: { ALCOVE_PROPERTY_SEED: String(seed) },
  });
  if (code !== 0) failed.push(seed);
}
console.log(
  failed.length === 0 ? `\n${rounds} rounds held` : `\nfailed with ${failed.map((seed) => `ALCOVE_PROPERTY_SEED=${seed}`).join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

/**
 * The TypeScript files that import what `from` matches.
 *
 * @param {RegExp} from
 */
function namesOf(from) {
  return ['packages', 'examples', 'test']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`))
    .filter((path) => path.endsWith('.ts') && !/\/(node_modules|dist|\.cache)\//.test(path))
    .filter((path) => new RegExp(`from '[^']*${from.source}`).test(readFileSync(join(root, path), 'utf8')));
}
