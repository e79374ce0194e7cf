'use strict';

/**
 * The size limits that no linter checks: lines of files, of all of native/, of SQL statements,
 * and the number of exported C functions.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./prepare.js');

const MAX_NATIVE_LINES = 600;
const MAX_SQL_LINES = 50;
const MAX_C_EXPORTS = 8;

const TEST = /_test\.go$|\.test\.js$|(^|\/)__tests__\/|(^|\/)(providertest|enginetest)\//;
const CODE = /\.(go|js|mjs|jsx|cc|h|c|ts|sql)$/;

/** @param {string} file */
function maxLines(file) {
  if (TEST.test(file)) return 700;
  if (file.endsWith('.go')) return 450;
  if (/\.m?jsx?$/.test(file)) return 350;
  return Number.POSITIVE_INFINITY;
}

/** Every file of the project that git knows or would add. */
function projectFiles() {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const names = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n');
  return names.filter((name) => CODE.test(name) && fs.existsSync(path.join(ROOT, name)));
}

/** @param {string} file */
function read(file) {
  return fs.readFileSync(path.join(ROOT, file), 'utf8');
}

/** @param {string} text */
function lineCount(text) {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/**
 * Lengths of SQL statements that are too long: in SQL files, and in raw strings of Go files that
 * begin with an SQL keyword.
 *
 * @param {string} file
 * @param {string} text
 */
function longStatements(file, text) {
  const blocks = file.endsWith('.sql') ? [text] : [];
  if (file.endsWith('.go')) {
    const raw = /`\s*(?:--[^\n]*\n\s*)*(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE)[^`]*`/gi;
    blocks.push(...(text.match(raw) ?? []));
  }
  return blocks
    .flatMap((block) => block.split(';'))
    .map((statement) => lineCount(statement.trim()))
    .filter((lines) => lines > MAX_SQL_LINES);
}

/** @param {string} file @param {string} text @returns {string[]} */
function problemsOf(file, text) {
  const problems = [];
  const lines = lineCount(text);
  if (lines > maxLines(file)) problems.push(`${file}: ${lines} lines, at most ${maxLines(file)}`);
  for (const length of longStatements(file, text)) {
    problems.push(`${file}: an SQL statement of ${length} lines, at most ${MAX_SQL_LINES}`);
  }
  return problems;
}

/** @param {[string, string][]} sources @returns {string[]} */
function problemsOfAll(sources) {
  const below = (/** @type {string} */ folder) =>
    sources.filter(([file]) => file.startsWith(folder)).map(([, text]) => text);
  const problems = sources.flatMap(([file, text]) => problemsOf(file, text));
  const native = below('native/').reduce((sum, text) => sum + lineCount(text), 0);
  if (native > MAX_NATIVE_LINES) {
    problems.push(`native/: ${native} lines in all, at most ${MAX_NATIVE_LINES}`);
  }
  const exported =
    below('bridge/')
      .join('\n')
      .match(/^\/\/export /gm)?.length ?? 0;
  if (exported > MAX_C_EXPORTS) {
    problems.push(`bridge/: ${exported} exported C functions, at most ${MAX_C_EXPORTS}`);
  }
  return problems;
}

const files = projectFiles();
const problems = problemsOfAll(files.map((file) => [file, read(file)]));
for (const problem of problems) console.error(problem);
console.log(`limits: ${files.length} files, ${problems.length} over a limit`);
process.exitCode = problems.length === 0 ? 0 : 1;
