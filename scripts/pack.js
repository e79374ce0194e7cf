'use strict';

/** `npm run pack`: checks that the main package would hold what it should, and nothing else. */

const { RELEASE, checkSize, makeMain, pack } = require('./packages.js');

/** What the package holds: the API and its types. The engine is in packages of its own. */
const EXPECTED = [
  /^package\.json$/,
  /^README\.md$/,
  /^LICENSE$/,
  /^index\.d\.ts$/,
  /^bin\/duroxide\.js$/,
  /^lib\/((commands|testing)\/)?[a-z-]+\.(js|d\.ts)$/,
];

const REQUIRED = ['bin/duroxide.js', 'lib/duroxide.js', 'index.d.ts', 'LICENSE', 'README.md'];

const packed = pack(makeMain(), RELEASE);
const problems = [
  ...packed.files
    .filter((name) => !EXPECTED.some((pattern) => pattern.test(name)))
    .map((name) => `${name} should not be in the package`),
  ...REQUIRED.filter((name) => !packed.files.includes(name)).map((name) => `${name} is missing`),
  ...checkSize(packed),
];
for (const problem of problems) console.error(problem);
console.log(
  `pack: ${packed.files.length} files, ${packed.packed} bytes, ${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
