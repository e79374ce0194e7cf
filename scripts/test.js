'use strict';

/**
 * `npm test`: installs and builds what is missing, then runs every part of scripts/parts.js, or
 * only those named as arguments. One part alone prints as it goes; several run in two lanes side
 * by side, and each prints in one piece when it is done.
 */

const { spawn } = require('node:child_process');
const { PARTS } = require('./parts.js');
const { ROOT, prepare } = require('./prepare.js');

/** @typedef {import('./parts.js').Part} Part */
/** @typedef {{ part: Part, ok: boolean, skipped: boolean, seconds: number, output: string }} Result */

/** The exit code of a command that lacks what it needs, and has said so. */
const LACKING = 77;

/**
 * Runs one command.
 *
 * @param {string[]} command
 * @param {Part} part
 * @param {(text: string) => void} [collect] takes the output; without it, it goes to the terminal
 * @returns {Promise<number>} the exit code
 */
function runCommand([file, ...args], part, collect) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: ROOT,
      // Collected output is shown later, maybe not on a terminal: without colours.
      env: { ...process.env, ...(collect ? { NO_COLOR: '1' } : {}), ...part.env },
      stdio: ['ignore', collect ? 'pipe' : 'inherit', collect ? 'pipe' : 'inherit'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', collect);
    }
    child.on('error', (error) => {
      (collect ?? console.error)(`${file}: ${error.message}\n`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

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
  let code = 0;
  for (const command of part.commands) {
    code = await runCommand(command, part, buffered ? append : undefined);
    if (code !== 0) break;
  }
  const skipped = code === LACKING && part.mayLack === true;
  const seconds = (Date.now() - started) / 1000;
  return { part, ok: code === 0 || skipped, skipped, seconds, output };
}

/** @param {Result} result */
function headline({ part, ok, skipped, seconds }) {
  const word = skipped ? 'SKIPPED' : ok ? 'passed ' : 'FAILED ';
  return `${word} ${part.name.padEnd(11)} ${seconds.toFixed(1).padStart(7)} s`;
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
  return names.length === 0 ? PARTS : PARTS.filter((part) => names.includes(part.name));
}

async function main() {
  const started = Date.now();
  const parts = choose(process.argv.slice(2));
  prepare({ needsBuild: parts.some((part) => part.needsBuild) });
  const results = await runAll(parts);
  console.log('\nSummary');
  for (const result of results) console.log(`  ${headline(result)}`);
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
