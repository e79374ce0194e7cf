'use strict';

/** What a runtime tells of itself and its store, and what of that the dashboard and the alerts use. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { makeRuntime, withStore } = require('./support/harness.js');

const GRAFANA = path.join(__dirname, '..', 'docs', 'grafana');

/** A store on which one workflow has ended and another one waits. */
async function withWork(t) {
  const h = await withStore(t);
  let failures = 1;
  const runtime = makeRuntime(h.provider, {
    options: { workerConcurrency: 2 },
    activities: {
      flaky() {
        if (failures-- > 0) throw new Error('once');
        return 1;
      },
    },
    orchestrations: {
      *Works(ctx) {
        return yield ctx.scheduleActivityWithRetry('flaky', null, { maxAttempts: 2, backoff: 1 });
      },
      *Waits(ctx) {
        ctx.setCustomStatus('waits');
        yield ctx.waitForEvent('never');
      },
    },
  });
  h.runtimes.push(runtime);
  await runtime.start();
  await h.client.startOrchestration('works', 'Works');
  await h.client.waitForOrchestration('works');
  await h.client.startOrchestration('waits', 'Waits');
  await h.until('waits', 'waits');
  return { client: h.client, runtime };
}

const pointOf = (all, name, labels = {}) => {
  const measure = all.find((each) => each.name === name);
  const points = measure.points.filter(({ labels: own }) =>
    Object.entries(labels).every(([key, value]) => own[key] === value),
  );
  assert.equal(points.length, 1, `${name} ${JSON.stringify(measure.points)}`);
  return points[0];
};

test('a runtime measures what it does, each thing once', async (t) => {
  const { runtime, client } = await withWork(t);
  const all = await runtime.measure();
  assert.equal(pointOf(all, 'duroxide.executions.ended', { status: 'completed' }).value, 1);
  assert.equal(pointOf(all, 'duroxide.activity.retries').value, 1);
  const ran = (outcome) =>
    pointOf(all, 'duroxide.activity.run', { activity: 'flaky', outcome }).count;
  assert.deepEqual([ran('ok'), ran('failed')], [1, 1]);
  assert.equal(pointOf(all, 'duroxide.activity.queue', { activity: 'flaky' }).count, 2);
  assert.equal(pointOf(all, 'duroxide.instances.running', { name: 'Waits' }).value, 1);
  assert.equal(pointOf(all, 'duroxide.instances.held', { name: 'Waits' }).value, 0);
  assert.equal(pointOf(all, 'duroxide.slots', { kind: 'activity' }).value, 2);
  assert.equal(pointOf(all, 'duroxide.runtimes').value, 1);
  const commits = pointOf(all, 'duroxide.store.commits').value;
  assert.ok(commits > 0 && pointOf(all, 'duroxide.store.writes').value >= commits);
  await client.cancelInstance('waits');
  await client.waitForOrchestration('waits');
  const later = await runtime.measure();
  assert.equal(pointOf(later, 'duroxide.executions.ended', { status: 'failed' }).value, 1);
  await runtime.shutdown();
  await assert.rejects(runtime.measure(), { code: 'SHUTDOWN' });
});

test('the text form has each sample of them', async (t) => {
  const { runtime } = await withWork(t);
  const [text, all] = [await runtime.prometheus(), await runtime.measure()];
  const lines = text.split('\n');
  assert.equal(lines.pop(), '');
  const sample = /^[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? [\d.e+-]+$/;
  const about = /^# (HELP|TYPE) [a-z_]+ .+$/;
  for (const line of lines) assert.match(line, line.startsWith('#') ? about : sample);
  assert.equal(lines.filter((line) => line.startsWith('# TYPE ')).length, all.length);
  assert.ok(lines.includes('duroxide_executions_ended_total{status="completed"} 1'));
  assert.ok(lines.includes('duroxide_activity_run_seconds_count{activity="flaky",outcome="ok"} 1'));
  const infinite =
    'duroxide_activity_run_seconds_bucket{activity="flaky",outcome="ok",le="+Inf"} 1';
  assert.ok(lines.includes(infinite));
});

test('the dashboard, the alerts and the page of the documents use names that there are', async (t) => {
  const { runtime } = await withWork(t);
  const types = (await runtime.prometheus()).matchAll(/^# TYPE (\w+) (\w+)$/gm);
  const known = new Set();
  for (const [, name, kind] of types) {
    const endings = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const ending of endings) known.add(name + ending);
  }
  JSON.parse(fs.readFileSync(path.join(GRAFANA, 'dashboard.json'), 'utf8'));
  for (const file of ['dashboard.json', 'alerts.yaml']) {
    const used = fs.readFileSync(path.join(GRAFANA, file), 'utf8').match(/\bduroxide_\w+/g);
    assert.ok(used.length > 5);
    assert.deepEqual(
      used.filter((name) => !known.has(name)),
      [],
      file,
    );
  }
  const page = fs.readFileSync(path.join(__dirname, '..', 'docs', 'observing.md'), 'utf8');
  const unlisted = (await runtime.measure()).filter(({ name }) => !page.includes(`\`${name}\``));
  assert.deepEqual(
    unlisted.map(({ name }) => name),
    [],
  );
});
