'use strict';

/**
 * `npm run pack`: checks that the packages without a binary would hold what they should, and nothing
 * else.
 */

const { RELEASE, makeCli, makeMain, makeTelemetry, makeUi, pack } = require('./packages.js');
const { checkSize } = require('./sizes.js');

/** What the main package holds: the API and its types. The engine is in packages of its own. */
const MAIN = {
  expected: [
    /^package\.json$/,
    /^README\.md$/,
    /^LICENSE$/,
    /^index\.d\.ts$/,
    /^bin\/duroxide\.js$/,
    /^lib\/((checking|testing)\/)?[a-z-]+\.(js|d\.ts)$/,
  ],
  required: ['bin/duroxide.js', 'lib/duroxide.js', 'index.d.ts', 'LICENSE', 'README.md'],
};

/** What the command line holds. */
const CLI = {
  expected: [/^package\.json$/, /^LICENSE$/, /^([a-z]+\/)?[a-z-]+\.js$/],
  required: ['main.js', 'package.json', 'LICENSE'],
};

/** What the page holds. */
const UI = {
  expected: [
    /^package\.json$/,
    /^README\.md$/,
    /^LICENSE$/,
    /^LICENSES\.txt$/,
    /^index\.(js|d\.ts)$/,
    /^server\/[a-z-]+\.js$/,
    /^assets\/(page\.(js|css)|sign-in\.js|icon\.svg)$/,
  ],
  required: ['index.js', 'index.d.ts', 'assets/page.js', 'assets/sign-in.js', 'assets/page.css'],
};

/** What the package for OpenTelemetry holds. */
const TELEMETRY = {
  expected: [/^package\.json$/, /^README\.md$/, /^LICENSE$/, /^index\.d\.ts$/, /^[a-z-]+\.js$/],
  required: ['index.js', 'index.d.ts', 'README.md'],
};

/**
 * @param {import('./packages.js').Packed} packed
 * @param {{ expected: RegExp[], required: string[] }} what
 */
function problemsOf(packed, { expected, required }) {
  return [
    ...packed.files
      .filter((name) => !expected.some((pattern) => pattern.test(name)))
      .map((name) => `${name} should not be in ${packed.name}`),
    ...required
      .filter((name) => !packed.files.includes(name))
      .map((name) => `${name} is missing in ${packed.name}`),
    ...checkSize(packed),
  ];
}

let count = 0;
for (const [folder, what] of /** @type {const} */ ([
  [makeMain(), MAIN],
  [makeCli(), CLI],
  [makeUi(), UI],
  [makeTelemetry(), TELEMETRY],
])) {
  const packed = pack(folder, RELEASE);
  const problems = problemsOf(packed, what);
  for (const problem of problems) console.error(problem);
  count += problems.length;
  console.log(`pack: ${packed.name} has ${packed.files.length} files, ${packed.packed} bytes`);
}
console.log(`pack: ${count} problems`);
process.exitCode = count === 0 ? 0 : 1;
