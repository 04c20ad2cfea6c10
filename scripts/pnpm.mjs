import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run-command.mjs';

/**
 * The pnpm that this checkout is installed with, for `npx -y`.
 * @type {string}
 */
export const PNPM = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager;
