import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './run-command.mjs';

/**
 * What set-up found out about this machine; git-ignored, read by the test configurations.
 *
 * @typedef {object} SetupRecord
 * @property {string} stamp hash of what was installed, see setup.mjs; empty where nothing was
 * @property {'better-sqlite3' | 'photostructure' | null} driver the SQLite driver that loads here
 * @property {string | null} browser path of a Chromium that starts; null where none was found or looked for
 */

const path = join(root, '.cache', 'setup.json');

/** @returns {SetupRecord} the record of the last set-up, or an empty one */
export function readSetupRecord() {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Absent or cut short by a full disk: both mean that set-up has to look again.
    return { stamp: '', driver: null, browser: null };
  }
}

/** @param {SetupRecord} record */
export function writeSetupRecord(record) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(record, null, 2)}\n`);
}
