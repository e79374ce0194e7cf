'use strict';

/**
 * Histories that earlier releases have written are replayed, and their executions go on under the
 * rules that they began with. What they are histories of: support/histories.js.
 */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const {
  PATIENCE_MS,
  completed,
  failed,
  makeRuntime,
  withRuntime,
} = require('./support/harness.js');
const { parkedIn, register, serve } = require('./support/histories.js');
const { openCopy, skip } = require('./support/saved-store.js');
const { Client } = require('../lib/duroxide.js');
const { NEWEST_RULES } = require('../lib/orchestration/rules.js');

/** Of instances that do not go through the same round twice: what they give. */
const OTHERS = {
  Generations: (learnt) => [learnt, 'now'],
  Forgetful: () => ({ type: 'activity', name: 'echo', input: '"forgotten"' }),
};

/** What an instance must give that has learnt something in its first round. */
function expected(name, learnt) {
  if (OTHERS[name] !== undefined) return OTHERS[name](learnt);
  return [learnt, JSON.parse(JSON.stringify(learnt).replaceAll('"before"', '"after"'))];
}

/** What activities say since: they run as this release has it, whatever the rules of who asks. */
const SAID_SINCE = '; it had finished, but its result cannot be stored';

/** One folder of testdata for each set of rules. */
const SAVED = ['rules-0', 'rules-1'];

test('histories of earlier releases are replayed, and go on under their rules', {
  skip,
}, async (t) => {
  for (const saved of SAVED) await t.test(saved, (t) => replay(t, saved));
});

test('an execution says the rules that it began under', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Again(ctx, n) {
        return n === 0 ? n : yield ctx.continueAsNew(n - 1);
      },
    },
  });
  await h.output('Again', 1);
  for (const execution of [1, 2]) {
    const [started] = await h.client.readExecutionHistory('Again-1', execution);
    assert.equal(JSON.parse(started.data).rules, NEWEST_RULES);
  }
});

test('executions of earlier releases keep their rules', { skip }, async (t) => {
  const client = new Client(await openCopy(t, 'rules-0'));
  const [started] = await client.readExecutionHistory('Steps', 1);
  assert.equal(JSON.parse(started.data).rules, undefined);
});

async function replay(t, saved) {
  const store = await openCopy(t, saved);
  const client = new Client(store);
  const runtime = makeRuntime(store, {
    options: {
      orchestrationConcurrency: 4,
      workerConcurrency: 16,
      workerTagFilter: { defaultAnd: ['special'] },
    },
  });
  register(runtime);
  await runtime.start();
  t.after(() => runtime.shutdown(1000));
  const parked = parkedIn(saved);
  for (const name of parked) await client.raiseEvent(name, 'go', 'now');
  await serve(client, 'after');
  for (const name of parked) {
    const plain = (text) => JSON.parse(text.replaceAll(SAID_SINCE, ''));
    const learnt = plain(await client.getValue(name, 'learnt'));
    const status = await client.waitForOrchestration(name, PATIENCE_MS);
    if (name === 'Forgetful' && saved !== 'rules-0') {
      assert.match(failed(status), /returned the activity 'echo' without waiting for it/);
      continue;
    }
    const ended = completed(status);
    const output = plain(JSON.stringify(ended));
    assert.deepEqual(output, expected(name, learnt), name);
  }
}
