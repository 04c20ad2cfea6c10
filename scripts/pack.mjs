// Builds the packages and puts them into packed/ as they would be published, for an app outside of this checkout.
//   node scripts/pack.mjs
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, packageFolders } from './build.mjs';
import { PNPM } from './pnpm.mjs';
import { root, runCommand } from './run-command.mjs';

process.exitCode = (await pack()) ? 0 : 1;

/** @returns {Promise<boolean>} whether all are there; what failed has said so on the terminal */
async function pack() {
  if (!(await build())) return false;
  const into = join(root, 'packed');
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into);
  for (const folder of packageFolders()) {
    // pnpm writes versions in place of `workspace:` and `catalog:`, which npm leaves there.
    const { code, output } = await runCommand('npx', ['-y', PNPM, '--dir', folder, 'pack', '--pack-destination', into], { capture: true });
    if (code === 0) continue;
    console.error(output);
    return false;
  }
  for (const file of readdirSync(into)) console.log(`packed/${file}`);
  return true;
}
