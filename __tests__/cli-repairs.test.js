'use strict';

/** The command line on what has gone wrong, and on what a deployment leaves behind. */

const assert = require('node:assert/strict');
const os = require('node:os');
const { test } = require('node:test');
const { EXIT, application } = require('./support/command.js');
const shop = require('./support/shop.js');

test('an instance goes back to an event, after it was said what that undoes', async (t) => {
  const { client, json, ended } = await application(t);
  await client.startOrchestration('order-1', 'Order', { card: 'good' });
  await shop.settled(client, 'order-1', 'event');
  await client.raiseEvent('order-1', 'shipped', 'monday');
  await client.waitForOrchestration('order-1', 60_000);

  for (const args of [[], ['--yes'], ['--dry-run']]) {
    const { code, stdout, stderr } = await ended(['rewind', 'order-1', '--to', '2', ...args]);
    assert.equal(code, EXIT.failed);
    assert.equal(stdout, '');
    assert.match(stderr, /--accept-undo forgets it:\n {2}4 {2}ExternalSubscribed\n/);
  }
  const asked = ['rewind', 'order-1', '--to', '2', '--accept-undo', '--reason', 'wrong day'];
  const shown = await ended(asked);
  assert.equal(shown.code, EXIT.usage);
  assert.match(shown.stderr, /^would take back to event 2, .*:\n {2}order-1\n/);
  assert.equal((await ended([...asked, '--dry-run'])).code, EXIT.done);
  assert.equal((await client.getStatus('order-1')).status, 'Completed');
  assert.deepEqual(await json(...asked, '--yes'), { instances: ['order-1'] });
  // The signal came when nobody waited for it any more.
  await shop.settled(client, 'order-1', 'event');
  await client.raiseEvent('order-1', 'shipped', 'tuesday');
  assert.equal((await client.waitForOrchestration('order-1', 60_000)).output, 'tuesday');
  const history = await client.exportHistory('order-1');
  assert.ok(history.includes('wrong day') && history.includes(os.userInfo().username));

  assert.equal((await ended(['rewind', 'order-1', '--yes'])).code, EXIT.usage);
  assert.equal((await ended(['rewind', 'nobody', '--to', '2', '--yes'])).code, EXIT.notFound);
});

test('what has not ended is counted by version', async (t) => {
  const { client, json, ended } = await application(t);
  await shop.begin(client);
  assert.deepEqual(await json('versions'), await client.versionsInUse());
  assert.deepEqual(await json('versions', 'Order'), await client.versionsInUse('Order'));
  const { stdout } = await ended(['versions', 'Delivery', '--no-json']);
  assert.match(
    stdout,
    /^orchestration +version +running +held +oldest +runtimes\nDelivery +1\.0\.0 +1 +0 +\d{4}-\S+ +1\n$/,
  );
});
