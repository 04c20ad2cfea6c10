import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { root, runCommand } from './run-command.mjs';

/** The one command that a reader runs where no browser was found. */
export const installHint = 'npx playwright install --with-deps chromium';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const WELL_KNOWN = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];
const START_TIMEOUT_MS = 30_000;
// Long enough for a slow line; a closed network fails at once or hangs.
const DOWNLOAD_TIMEOUT_MS = 240_000;

/**
 * The path of a Chromium that starts, or null. Installs one where `mayInstall` says so and none is there: first Playwright's own into the user's
 * cache, then, as root on Debian or Ubuntu, the system's package.
 *
 * @param {{ mayInstall: boolean, say: (line: string) => void }} options
 * @returns {Promise<string | null>}
 */
export async function findBrowser({ mayInstall, say }) {
  const present = await firstThatStarts(candidates());
  if (present !== null || !mayInstall) return present;
  say('no Chromium found; trying Playwright’s download');
  const download = await runCommand('npx', ['playwright', 'install', 'chromium'], { capture: true, timeoutMs: DOWNLOAD_TIMEOUT_MS });
  const downloaded = download.code === 0 ? await firstThatStarts(candidates()) : null;
  if (downloaded !== null) return downloaded;
  if (!mayUseApt()) return null;
  say('installing the package chromium with apt-get (set ALCOVE_NO_INSTALL=1 to forbid it)');
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const update = await runCommand('apt-get', ['update'], { capture: true, env });
  const install = await runCommand('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], { capture: true, env });
  if (install.code !== 0) say(`apt-get failed: ${lastLines(update.output + install.output)}`);
  return firstThatStarts(candidates());
}

/** Whether the machine is one of those whose packages we may touch: a container or CI machine where we are root. */
function mayUseApt() {
  if (process.env['ALCOVE_NO_INSTALL'] === '1' || process.getuid?.() !== 0) return false;
  if (!existsSync('/etc/os-release') || !existsSync('/usr/bin/apt-get')) return false;
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
}

/** @returns {string[]} paths worth trying, best first */
function candidates() {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [process.env['CHROMIUM_PATH'], playwrightsOwn(), ...onPath, ...WELL_KNOWN].filter(
    (path) => path !== undefined && path !== null && existsSync(path),
  );
}

function playwrightsOwn() {
  try {
    return createRequire(join(root, 'package.json'))('playwright').chromium.executablePath();
  } catch {
    return null; // Playwright is not installed or knows no browser for this platform: the other places remain.
  }
}

/**
 * A path alone proves nothing: Ubuntu's chromium-browser is a script that only asks for a snap.
 *
 * @param {readonly string[]} paths
 */
async function firstThatStarts(paths) {
  for (const path of paths) {
    const { code, output } = await runCommand(path, ['--version'], { capture: true, timeoutMs: START_TIMEOUT_MS });
    if (code === 0 && /Chrom/.test(output)) return path;
  }
  return null;
}

/** @param {string} output */
function lastLines(output) {
  return output.trim().split('\n').slice(-5).join('\n');
}
