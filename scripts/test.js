'use strict';

/**
 * `npm test`: installs and builds what is missing, then runs every part of scripts/parts.js, or
 * only those named as arguments. One part alone prints as it goes; several run in two lanes side
 * by side, and each prints in one piece when it is done.
 */

const { TIME_OVER, passSignalsOn, runCommand } = require('./command.js');
const { PARTS } = require('./parts.js');
const { prepare } = require('./prepare.js');

/** @typedef {import('./parts.js').Part} Part */
/**
 * @typedef {object} Result
 * @property {Part} part
 * @property {boolean} ok
 * @property {boolean} skipped
 * @property {boolean} late its time was over
 * @property {number} seconds
 * @property {string} output
 */

/** The exit code of a command that lacks what it needs, and has said so. */
const LACKING = 77;

/**
 * @param {Part} part
 * @param {boolean} buffered
 * @returns {Promise<Result>}
 */
async function runPart(part, buffered) {
  const started = Date.now();
  let output = '';
  const append = (/** @type {string} */ text) => {
    output += text;
  };
  // Collected output is shown later, maybe not on a terminal: without colours.
  const env = { ...(buffered && { NO_COLOR: '1' }), ...part.env };
  const collect = buffered ? append : undefined;
  const time = AbortSignal.timeout(part.minutes * 60_000);
  let code = 0;
  for (const command of part.commands) {
    code = await runCommand(command, { time, env, collect });
    if (code !== 0) break;
  }
  const skipped = code === LACKING && part.mayLack === true;
  const seconds = (Date.now() - started) / 1000;
  const late = code === TIME_OVER;
  return { part, ok: code === 0 || skipped, skipped, late, seconds, output };
}

/** @param {Result} result */
function headline({ part, ok, skipped, late, seconds }) {
  const word = skipped ? 'SKIPPED' : ok ? 'passed ' : 'FAILED ';
  const limit = late ? `, its time limit of ${part.minutes} minutes` : '';
  return `${word} ${part.name.padEnd(14)} ${seconds.toFixed(1).padStart(7)} s${limit}`;
}

/** @param {Part[]} parts @returns {Promise<Result[]>} */
async function runLane(parts) {
  const results = [];
  for (const part of parts) {
    console.log(`started ${part.name}`);
    const result = await runPart(part, true);
    console.log(
      `\n===== ${part.name} =====\n${result.output.trimEnd()}\n===== ${headline(result)}\n`,
    );
    results.push(result);
  }
  return results;
}

/** @param {Part[]} parts @returns {Promise<Result[]>} */
async function runAll(parts) {
  if (parts.length === 1) return [await runPart(parts[0], false)];
  const lanes = ['go', 'node'].map((lane) => runLane(parts.filter((part) => part.lane === lane)));
  return (await Promise.all(lanes)).flat();
}

/** @param {string[]} names */
function choose(names) {
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) {
    console.error(
      `unknown part ${unknown.join(', ')}; there are ${PARTS.map((p) => p.name).join(', ')}`,
    );
    process.exit(2);
  }
  return PARTS.filter((part) => (names.length === 0 ? !part.byName : names.includes(part.name)));
}

async function main() {
  passSignalsOn();
  const started = Date.now();
  const parts = choose(process.argv.slice(2));
  prepare({ needsBuild: parts.some((part) => part.needsBuild) });
  const results = await runAll(parts);
  console.log('\nSummary');
  for (const result of results) console.log(`  ${headline(result)}`);
  for (const part of process.argv.length > 2 ? [] : PARTS.filter(({ byName }) => byName)) {
    console.log(`  by name  ${part.name.padEnd(14)} ${part.byName}`);
  }
  const failed = results.filter((result) => !result.ok).map((result) => result.part.name);
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  console.log(
    failed.length === 0
      ? `Everything passed in ${seconds} s.`
      : `Failed after ${seconds} s: ${failed.join(', ')}. Run one alone: node scripts/test.js ${failed[0]}`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}

main();
