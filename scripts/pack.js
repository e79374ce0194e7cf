'use strict';

/** `npm run pack`: checks that the package would hold what it should, and nothing else. */

const { execFileSync } = require('node:child_process');
const { ROOT } = require('./prepare.js');

/** What the package holds: the API, its types, and the sources from which it is built. */
const EXPECTED = [
  /^package\.json$/,
  /^(README|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^index\.d\.ts$/,
  /^bin\/duroxide\.js$/,
  /^lib\/(orchestration\/)?[a-z-]+\.(js|d\.ts)$/,
  /^native\/[a-z]+\.(cc|h)$/,
  /^bridge\/[a-z_]+\.(go|c|h)$/,
  /^(engine|history|provider)\/([a-z]+\/)?[a-z_]+\.(go|sql)$/,
  /^provider\/[a-z]+\/migrations\/[a-z0-9_]+\.sql$/,
  /^scripts\/(build|tools)\.js$/,
  /^binding\.gyp$/,
  /^go\.(mod|sum)$/,
];

const REQUIRED = [
  'bin/duroxide.js',
  'lib/duroxide.js',
  'index.d.ts',
  'LICENSE',
  'README.md',
  'binding.gyp',
  'go.mod',
];

const MAX_PACKED_BYTES = 2 ** 20;

function packList() {
  const npm = process.env.npm_execpath;
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const output = npm?.endsWith('.js')
    ? execFileSync(process.execPath, [npm, ...args], { cwd: ROOT, encoding: 'utf8' })
    : execFileSync('npm', args, {
        cwd: ROOT,
        encoding: 'utf8',
        shell: process.platform === 'win32',
      });
  return JSON.parse(output)[0];
}

const { files, size } = packList();
const names = files.map((/** @type {{ path: string }} */ file) => file.path);
const problems = [
  ...names
    .filter((/** @type {string} */ name) => !EXPECTED.some((pattern) => pattern.test(name)))
    .map((/** @type {string} */ name) => `${name} should not be in the package`),
  ...REQUIRED.filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
];
if (size > MAX_PACKED_BYTES) {
  problems.push(`the package has ${size} bytes, at most ${MAX_PACKED_BYTES}`);
}
for (const problem of problems) console.error(problem);
console.log(`pack: ${names.length} files, ${size} bytes, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
