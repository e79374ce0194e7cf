'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { baselineOf, compareWithBaseline } = require('../bench/baseline.js');
const { compare } = require('../bench/compare.js');

const ROOT = path.join(__dirname, '..');

/** @param {string} file */
function read(file) {
  return fs.readFileSync(path.join(ROOT, file), 'utf8');
}

test('the night fuzzes everything that can be fuzzed', () => {
  const targets = ['history', 'provider', 'engine', 'bridge']
    .flatMap((folder) =>
      fs
        .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('_test.go'))
        .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
    )
    .flatMap((file) =>
      [...read(file).matchAll(/^func (Fuzz\w+)\(/gm)].map(
        ([, target]) => `{ package: ./${path.posix.dirname(file)}, target: ${target} }`,
      ),
    );
  assert.ok(targets.length > 3);
  const listed = read('.github/workflows/nightly.yml').match(/\{ package: .*? \}/g);
  assert.deepEqual(listed?.sort(), targets.sort());
});

/** @param {number} commits @param {number} chain @param {number} latency */
function report(commits, chain, latency) {
  const result = { mode: 'full', title: '', unit: '' };
  return {
    settings: { store: 'sqlite', quick: false },
    bare: { 'store, full': { commitsPerSecond: commits, flushMs: 1 } },
    results: [
      { ...result, name: 'many', better: 'higher', median: chain },
      { ...result, name: 'one', better: 'lower', median: latency },
    ],
  };
}

test('figures are compared by what the machine could do', () => {
  const speeds = (/** @type {ReturnType<typeof compare>} */ { lines }) =>
    lines.map(({ key, speed }) => [key, speed]);
  const before = report(1000, 100, 8);
  assert.deepEqual(speeds(compare(before, report(1000, 50, 4))), [
    ['many full', 0.5],
    ['one full', 2],
  ]);
  // Half a machine may take twice as long.
  assert.deepEqual(speeds(compare(before, report(500, 50, 16))), [
    ['many full', 1],
    ['one full', 1],
  ]);
});

test('a baseline is what is done for each thing that the bare store does', () => {
  const settings = { store: 'sqlite', quick: false, payloadBytes: 100 };
  const of = (/** @type {number} */ rate, /** @type {number} */ many, /** @type {number} */ one) =>
    baselineOf({
      settings,
      bare: { 'store, full': { perSecond: rate, other: 7 } },
      results: [
        { name: 'many', mode: 'full', better: 'higher', median: many },
        { name: 'one', mode: 'full', better: 'lower', median: one },
      ],
    });
  const saved = of(1000, 500, 4);
  const losses = (/** @type {ReturnType<typeof of>} */ now) =>
    compareWithBaseline(saved, now).flatMap(({ key, isLoss }) => (isLoss ? [key] : []));
  assert.deepEqual(losses(of(500, 250, 8)), []); // half a machine
  assert.deepEqual(losses(of(1000, 430, 4.6)), []);
  assert.deepEqual(losses(of(1000, 420, 4.8)), ['many full', 'one full']);
  assert.throws(() => compareWithBaseline(saved, { ...saved, quick: true }), /other settings/);
});
