'use strict';

/**
 * What `npm test` consists of. A part is a list of commands that run one after another; the first
 * that fails ends it. Parts of one lane run one after another, the two lanes run side by side; what is in
 * which one keeps them equally long.
 */

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./prepare.js');

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {'go' | 'node'} lane
 * @property {number} minutes that it may take: some times what it needs where two cores have a load
 *   of 15. Whatever takes longer hangs.
 * @property {boolean} [needsBuild]
 * @property {string} [byName] why it runs only when it is asked for by name
 * @property {boolean} [mayLack] exit code 77 means that what it needs is not on the machine
 * @property {string[][]} commands
 * @property {Record<string, string>} [env]
 */

/** Tests that are parts of their own, so that they run once and can be seen in the summary. */
const OWN_PARTS = [
  'examples.test.js',
  'kill.test.js',
  'kill-nodes.test.js',
  'engine-process.test.js',
  'ui-browser.test.js',
  'ui-browser-waits.test.js',
];
/** Tests without a runtime in their own process, in which the eviction mode changes nothing. */
const WITHOUT_RUNTIME = [
  'adding.test.js',
  'eslint-plugin.test.js',
  'kinds.test.js',
  'workflows.test.js',
  'package.test.js',
  'unfit.test.js',
  'server.test.js',
  'nodes.test.js',
  'repairs-kill.test.js',
  'requests-kill.test.js',
  'schedules-kill.test.js',
  'time-limit.test.js',
  'ui.test.js',
  'ui-command.test.js',
  ...OWN_PARTS,
];
/** Those of them that test several processes on one store. */
const SEVERAL = ['nodes', 'kill-nodes', 'repairs-kill', 'requests-kill', 'schedules-kill'].map(
  (name) => `__tests__/${name}.test.js`,
);
/** Tests that lead through the whole store, for another version of PostgreSQL than the usual one. */
const STORE_TESTS = [
  'basics',
  'continue-as-new',
  'events',
  'existing-store',
  'listing',
  'management',
  'postgres',
  'sessions',
  'sub-orchestrations',
  'tags',
  'timers',
].map((name) => `__tests__/${name}.test.js`);

/** Tests that show most of what differs where the engine is a process of its own. */
const PROCESS_TESTS = [
  'activity-context',
  'basics',
  'cancellation',
  'engine-process',
  'liveness',
  'logging',
  'runtime-life',
].map((name) => `__tests__/${name}.test.js`);

/** @param {string} name of a development dependency's command */
function bin(name) {
  return path.join(
    ROOT,
    'node_modules',
    '.bin',
    process.platform === 'win32' ? `${name}.cmd` : name,
  );
}

/** @param {string} folder @param {(name: string) => boolean} matches @returns {string[]} */
function filesBelow(folder, matches) {
  const top = path.join(ROOT, folder);
  if (!fs.existsSync(top)) return [];
  return fs
    .readdirSync(top, { recursive: true, encoding: 'utf8' })
    .filter((name) => matches(path.basename(name)))
    .map((name) => path.join(folder, name))
    .sort();
}

/** @param {string[]} files @param {string[]} [options] */
function nodeTest(files, options = []) {
  return [process.execPath, '--test', '--test-reporter=spec', ...options, ...files];
}

/** @param {string[]} without */
function jsTests(without) {
  return filesBelow('__tests__', (name) => name.endsWith('.test.js') && !without.includes(name));
}

/** A command with a PostgreSQL server. @param {string[]} command */
function onPostgres(command) {
  return [process.execPath, 'scripts/postgres.js', ...command];
}

const GOLANGCI = ['go', 'tool', '-modfile=tools/go.mod', 'golangci-lint'];
const nativeFiles = filesBelow('native', (name) => /\.(cc|h)$/.test(name)).concat(
  filesBelow('bridge', (name) => /\.(c|h)$/.test(name)),
);

/** The commands that change files; the lint part only reports what they would change. */
const FORMATTERS = [
  [...GOLANGCI, 'fmt'],
  [bin('biome'), 'check', '--write'],
  [bin('clang-format'), '-i', ...nativeFiles],
];

/** @type {Part[]} */
const PARTS = [
  {
    name: 'lint',
    lane: 'node',
    minutes: 15,
    commands: [
      [bin('biome'), 'ci', '--colors=off'],
      [bin('clang-format'), '--dry-run', '-Werror', ...nativeFiles],
      [process.execPath, 'scripts/limits.js'],
      [process.execPath, 'scripts/exports.js'],
      [bin('knip')],
    ],
  },
  { name: 'types', lane: 'node', minutes: 10, commands: [[bin('tsc'), '-p', '.']] },
  { name: 'pack', lane: 'node', minutes: 10, commands: [[process.execPath, 'scripts/pack.js']] },
  {
    name: 'release',
    lane: 'node',
    minutes: 20,
    needsBuild: true,
    commands: [[process.execPath, 'scripts/release-check.js', '--host']],
  },
  {
    name: 'js',
    lane: 'node',
    minutes: 30,
    needsBuild: true,
    commands: [nodeTest(jsTests(OWN_PARTS), ['--test-concurrency=2'])],
  },
  {
    name: 'js-evict',
    lane: 'node',
    minutes: 30,
    needsBuild: true,
    commands: [nodeTest(jsTests(WITHOUT_RUNTIME), ['--test-concurrency=2'])],
    env: { DUROXIDE_TEST_EVICT: '1' },
  },
  {
    name: 'js-postgres',
    lane: 'node',
    minutes: 30,
    needsBuild: true,
    mayLack: true,
    commands: [
      onPostgres(nodeTest([...jsTests(WITHOUT_RUNTIME), ...SEVERAL], ['--test-concurrency=2'])),
    ],
  },
  {
    name: 'js-process',
    lane: 'node',
    minutes: 30,
    needsBuild: true,
    commands: [
      [process.execPath, 'scripts/build.js', '--program'],
      nodeTest(PROCESS_TESTS, ['--test-concurrency=2']),
    ],
    env: { DUROXIDE_ENGINE: 'process' },
  },
  {
    name: 'js-process-all',
    lane: 'node',
    byName: 'the whole suite with the engine as a process; js-process has a part of it',
    minutes: 60,
    needsBuild: true,
    commands: [
      [process.execPath, 'scripts/build.js', '--program'],
      nodeTest(
        [...jsTests(WITHOUT_RUNTIME), '__tests__/kill.test.js', ...SEVERAL],
        ['--test-concurrency=2'],
      ),
    ],
    env: { DUROXIDE_ENGINE: 'process' },
  },
  {
    name: 'runtimes',
    lane: 'node',
    minutes: 60,
    needsBuild: true,
    mayLack: true,
    commands: [
      [process.execPath, 'scripts/build.js', '--program'],
      [process.execPath, 'scripts/runtimes.js', 'node-24', 'bun', 'deno'],
    ],
  },
  {
    name: 'runtimes-all',
    lane: 'node',
    byName: 'the suite on every release of Node.js; runtimes has the newest with long support',
    minutes: 240,
    needsBuild: true,
    commands: [
      [process.execPath, 'scripts/build.js', '--program'],
      [process.execPath, 'scripts/runtimes.js'],
    ],
  },
  {
    name: 'examples',
    lane: 'node',
    minutes: 15,
    needsBuild: true,
    commands: [nodeTest(['__tests__/examples.test.js'])],
  },
  {
    name: 'kill',
    lane: 'node',
    minutes: 20,
    needsBuild: true,
    commands: [nodeTest(['__tests__/kill.test.js', '__tests__/kill-nodes.test.js'])],
  },
  {
    name: 'browser',
    lane: 'go',
    minutes: 20,
    needsBuild: true,
    mayLack: true,
    commands: [
      [
        process.execPath,
        'scripts/browser.js',
        ...nodeTest(
          ['__tests__/ui-browser.test.js', '__tests__/ui-browser-waits.test.js'],
          ['--test-concurrency=1'],
        ),
      ],
    ],
  },
  {
    name: 'bench',
    lane: 'node',
    minutes: 20,
    needsBuild: true,
    commands: [[process.execPath, 'bench/run.js', '--quick']],
  },
  {
    name: 'bench-postgres',
    lane: 'node',
    minutes: 20,
    needsBuild: true,
    mayLack: true,
    commands: [[process.execPath, 'bench/run.js', '--quick', '--store', 'postgres']],
  },
  {
    name: 'go',
    lane: 'go',
    minutes: 60,
    // Each package has its limit too, so that one that hangs shows its goroutines.
    commands: [['go', 'test', '-race', '-timeout=30m', './...']],
  },
  {
    name: 'systems',
    lane: 'go',
    minutes: 30,
    commands: [[process.execPath, 'scripts/systems.js']],
  },
  {
    name: 'lint-go',
    lane: 'go',
    minutes: 20,
    commands: [[...GOLANGCI, 'run', '--allow-parallel-runners', './...']],
  },
  {
    name: 'bundlers',
    lane: 'go',
    minutes: 20,
    needsBuild: true,
    mayLack: true,
    commands: [[process.execPath, 'scripts/fixtures.js', 'bundlers']],
  },
  {
    name: 'next',
    lane: 'go',
    minutes: 20,
    needsBuild: true,
    mayLack: true,
    commands: [[process.execPath, 'scripts/fixtures.js', 'next', 'servers']],
  },
  {
    name: 'other-pg',
    lane: 'go',
    minutes: 40,
    needsBuild: true,
    mayLack: true,
    commands: [
      onPostgres(['go', 'test', '-timeout=20m', '-skip', 'BehindAPooler', './provider/postgres']),
      onPostgres(nodeTest(STORE_TESTS, ['--test-concurrency=2'])),
    ],
    env: { DUROXIDE_TEST_PG: 'other' },
  },
];

module.exports = { FORMATTERS, PARTS };
