/**
 * What a runner did, and the sum over runners. Pure: reads reports, runs nothing.
 *
 * @typedef {object} Tally
 * @property {number} passed
 * @property {readonly string[]} failed names
 * @property {readonly string[]} skipped names, with the reason where one is known
 */

/** @type {Tally} */
export const nothing = { passed: 0, failed: [], skipped: [] };

/**
 * @param {readonly Tally[]} tallies
 * @returns {Tally}
 */
export function sum(tallies) {
  return {
    passed: tallies.reduce((total, tally) => total + tally.passed, 0),
    failed: tallies.flatMap((tally) => tally.failed),
    skipped: tallies.flatMap((tally) => tally.skipped),
  };
}

/**
 * The last line of a test run.
 *
 * @param {Tally} tally
 */
export function summaryLine(tally) {
  return `${tally.passed} passed, ${tally.failed.length} failed, ${tally.skipped.length} skipped`;
}

/**
 * A runner that executed nothing, or whose exit code contradicts its report, has failed as a whole.
 *
 * @param {string} runner
 * @param {Tally | null} report null where it wrote none that can be read
 * @param {number} exitCode
 * @returns {Tally}
 */
export function judge(runner, report, exitCode) {
  if (report === null) return { ...nothing, failed: [`${runner}: ended with code ${exitCode} and left no report`] };
  const executed = report.passed + report.failed.length;
  if (executed === 0 && report.skipped.length === 0) return { ...report, failed: [`${runner}: executed no test`] };
  if (exitCode !== 0 && report.failed.length === 0)
    return { ...report, failed: [`${runner}: every test passed, yet it ended with code ${exitCode}`] };
  return report;
}

/**
 * @typedef {{ fullName: string, status: string }} VitestAssertion
 * @typedef {{ name: string, status: string, message?: string, assertionResults: VitestAssertion[] }} VitestFile
 */

/**
 * Reads the report of vitest's `json` reporter.
 *
 * @param {{ testResults: VitestFile[] }} report
 * @returns {Tally}
 */
export function vitestTally(report) {
  return sum(
    report.testResults.map((file) => {
      /** @param {(status: string) => boolean} wanted */
      const names = (wanted) => file.assertionResults.filter(({ status }) => wanted(status)).map(({ fullName }) => fullName);
      const failed = names((status) => status === 'failed');
      // A file that cannot be loaded, or whose hooks throw, fails without a failing test.
      const broken = file.status === 'failed' && failed.length === 0 ? [`${file.name}: ${firstLine(file.message)}`] : [];
      return {
        passed: names((status) => status === 'passed').length,
        failed: [...failed, ...broken],
        skipped: names((status) => status !== 'passed' && status !== 'failed'),
      };
    }),
  );
}

/**
 * @typedef {{ title: string, tests: { status: string, annotations?: { type: string, description?: string }[] }[] }} PlaywrightSpec
 * @typedef {{ title: string, specs?: PlaywrightSpec[], suites?: PlaywrightSuite[] }} PlaywrightSuite
 */

/**
 * Reads the report of Playwright's `json` reporter.
 *
 * @param {{ suites: PlaywrightSuite[], errors?: { message?: string }[] }} report
 * @returns {Tally}
 */
export function playwrightTally(report) {
  const specs = report.suites.flatMap((suite) => specsOf(suite, []));
  const tests = specs.flatMap(({ name, spec }) => spec.tests.map((test) => ({ name, ...test })));
  /** @param {(status: string) => boolean} wanted */
  const names = (wanted) => tests.filter(({ status }) => wanted(status)).map(({ name }) => name);
  return {
    passed: names((status) => status === 'expected').length,
    // Flaky means that only a retry passed: a failure here.
    failed: [
      ...names((status) => status === 'unexpected' || status === 'flaky'),
      ...(report.errors ?? []).map(({ message }) => firstLine(message)),
    ],
    skipped: names((status) => status === 'skipped'),
  };
}

/**
 * Every test of a Playwright listing as skipped for one reason.
 *
 * @param {{ suites: PlaywrightSuite[] }} listing
 * @param {string} reason
 * @returns {Tally}
 */
export function allSkipped(listing, reason) {
  const names = listing.suites.flatMap((suite) => specsOf(suite, [])).map(({ name }) => `${name} (${reason})`);
  return { ...nothing, skipped: names };
}

/**
 * @param {PlaywrightSuite} suite
 * @param {readonly string[]} path
 * @returns {{ name: string, spec: PlaywrightSpec }[]}
 */
function specsOf(suite, path) {
  const here = [...path, suite.title];
  const own = (suite.specs ?? []).map((spec) => ({ name: [...here, spec.title].join(' › '), spec }));
  return [...own, ...(suite.suites ?? []).flatMap((inner) => specsOf(inner, here))];
}

/** @param {string | undefined} text */
function firstLine(text) {
  return text?.split('\n')[0] ?? 'no message';
}
