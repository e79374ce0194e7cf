'use strict';

/** Code goes on with versions that it replaces. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PATIENCE_MS, completed, makeRuntime, withStore } = require('./support/harness.js');

const code = (name) =>
  function* (ctx) {
    ctx.setCustomStatus('waits');
    const data = yield ctx.waitForEvent('go');
    return `${name} as ${ctx.orchestrationVersion}, ${data}`;
  };

async function start(h, versions) {
  const runtime = makeRuntime(h.provider);
  for (const [version, options] of versions) {
    runtime.registerOrchestrationVersioned('V', version, code(version), options);
  }
  h.runtimes.push(runtime);
  await runtime.start();
}

test('executions of replaced versions, and starts that ask for one, go on with the code', async (t) => {
  const h = await withStore(t);
  await start(h, [['1.0.0'], ['1.1.0'], ['1.2.5']]);
  for (const version of ['1.0.0', '1.1.0', '1.2.5']) {
    await h.client.startOrchestrationVersioned(version, 'V', null, version);
    await h.until(version, 'waits');
  }
  await h.runtime.shutdown(PATIENCE_MS);
  await start(h, [['1.3.0', { replaces: '>=1.1.0 <1.3.0' }]]);
  await h.client.startOrchestrationVersioned('pinned', 'V', null, '1.2.0');
  await h.client.startOrchestration('latest', 'V');
  for (const id of ['pinned', 'latest']) await h.until(id, 'waits');
  const ids = ['1.0.0', '1.1.0', '1.2.5', 'pinned', 'latest'];
  // Who replaces a version has its code.
  for (;;) {
    const { runtimes } = await h.client.getHealth();
    if (runtimes.some(({ orchestrations }) => orchestrations.V?.[0] === '1.3.0')) break;
  }
  assert.deepEqual(
    (await h.client.versionsInUse('V')).map((row) => [row.version, row.runtimes]),
    [
      ['1.0.0', 0],
      ['1.1.0', 1],
      ['1.2.0', 1],
      ['1.2.5', 1],
      ['1.3.0', 1],
    ],
  );
  for (const id of ids) await h.client.raiseEvent(id, 'go', 'went');
  for (const [id, version] of [
    ['1.1.0', '1.1.0'],
    ['1.2.5', '1.2.5'],
    ['pinned', '1.2.0'],
    ['latest', '1.3.0'],
  ]) {
    assert.equal(completed(await h.wait(id)), `1.3.0 as ${version}, went`);
    assert.equal((await h.client.getInstanceInfo(id)).orchestrationVersion, version);
  }
  // Nobody has the code of what is outside.
  assert.equal((await h.client.getStatus('1.0.0')).status, 'Running');
  await start(h, [['1.0.0']]);
  assert.equal(completed(await h.wait('1.0.0')), '1.0.0 as 1.0.0, went');
});

test('an exact version goes first, then the highest that replaces it', async (t) => {
  const h = await withStore(t);
  await start(h, [
    ['1.0.0'],
    ['2.0.0', { replaces: '<2.0.0' }],
    ['3.0.0', { replaces: '>=1.5.0 <2.0.0' }],
  ]);
  for (const [version, by] of [
    ['1.0.0', '1.0.0'],
    ['1.4.0', '2.0.0'],
    ['1.5.0', '3.0.0'],
    ['2.0.0', '2.0.0'],
  ]) {
    await h.client.startOrchestrationVersioned(`v-${version}`, 'V', null, version);
    await h.until(`v-${version}`, 'waits');
    await h.client.raiseEvent(`v-${version}`, 'go', 'went');
    assert.equal(completed(await h.wait(`v-${version}`)), `${by} as ${version}, went`);
  }
});

test('what is no range is refused where it is written', async (t) => {
  const h = await withStore(t, { memory: true });
  const runtime = makeRuntime(h.provider);
  for (const replaces of [
    '',
    '1.x',
    '>=1.0',
    '^1.0.0',
    '>=1.0.0  <2.0.0',
    '=>1.0.0',
    '> 1.0.0',
    7,
  ]) {
    assert.throws(
      () => runtime.registerOrchestrationVersioned('V', '1.0.0', code('a'), { replaces }),
      /^TypeError: options.replaces must be/,
      String(replaces),
    );
  }
  assert.throws(
    () => runtime.registerOrchestrationVersioned('V', '1.0.0', code('a'), { replace: '<1.0.0' }),
    TypeError,
  );
  runtime.registerOrchestrationVersioned('V', '1.0.0', code('a'), { replaces: '=0.9.0' });
});

test('the versions are counted of what has not ended', async (t) => {
  const h = await withStore(t);
  await start(h, [['1.0.0'], ['2.0.0']]);
  const began = Date.now();
  for (const [id, version] of [
    ['a', '1.0.0'],
    ['b', '2.0.0'],
    ['c', '2.0.0'],
    ['d', '2.0.0'],
  ]) {
    await h.client.startOrchestrationVersioned(id, 'V', null, version);
    await h.until(id, 'waits');
  }
  await h.client.raiseEvent('d', 'go', 1);
  completed(await h.wait('d'));
  await h.client.startOrchestration('other', 'Other');
  const found = await h.client.versionsInUse();
  for (const { oldestAt } of found)
    assert.ok(oldestAt >= began - 1000 && oldestAt <= Date.now() + 1000);
  assert.deepEqual(
    found.map(({ name, version, running, held }) => [name, version, running, held]),
    [
      ['Other', null, 1, 0],
      ['V', '1.0.0', 1, 0],
      ['V', '2.0.0', 2, 0],
    ],
  );
  assert.equal((await h.client.versionsInUse('V')).length, 2);
  assert.deepEqual(await h.client.versionsInUse('nobody'), []);
  await assert.rejects(h.client.versionsInUse(7), TypeError);
});
