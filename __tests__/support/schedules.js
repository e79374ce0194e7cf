'use strict';

const assert = require('node:assert/strict');
const { createTestEnvironment } = require('../../lib/testing/testing.js');

/** What tests of schedules share. */

const START = '2026-11-28T12:00:00Z';
const PATIENCE_MS = 60_000;

const orchestrations = {
  *Job(ctx, input) {
    return { ...ctx.schedule, input };
  },
  *Long(ctx, minutes) {
    yield ctx.scheduleTimer(minutes * 60_000);
  },
};

/**
 * An environment of the test kit.
 *
 * @param {import('node:test').TestContext} t
 * @param {object} [more] options, and orchestrations beside those above
 */
async function environment(t, { orchestrations: others, ...more } = {}) {
  const env = await createTestEnvironment({
    startTime: START,
    orchestrations: { ...orchestrations, ...others },
    ...more,
  });
  t.after(() => env.close());
  return env;
}

/** Waits until something holds. @param {() => unknown} holds */
async function until(holds) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `never happened: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

module.exports = { PATIENCE_MS, START, environment, until };
