'use strict';

/** Why an instance hangs, as somebody at a terminal finds out. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const { locationOf, run } = require('./support/command.js');
const { PATIENCE_MS, makeRuntime } = require('./support/harness.js');
const shop = require('./support/shop.js');
const { openStore } = require('./support/store.js');
const { Client } = require('../lib/duroxide.js');

const CHILD = path.join(__dirname, 'support', 'blocked-process.js');

/** Asks until the answer is what is expected. */
async function says(env, args, expected) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { stdout, stderr } = await run([...args, '--no-json'], env);
    if (expected.test(stdout)) return stdout;
    assert.ok(Date.now() < deadline, `${args.join(' ')}, not ${expected}:\n${stdout}${stderr}`);
  }
}

const calls = (name, around = (task) => task) =>
  function* (ctx) {
    return yield around(ctx.scheduleActivity(name));
  };

/** Code of which one orchestration was another one before. */
function codeOf(t) {
  let end;
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  t.after(() => end());
  return {
    options: { workerConcurrency: 2, onNondeterminism: 'hold', codeId: 'new' },
    activities: {
      Slow: () => ended,
      Render: () => 1,
      Charge() {
        throw new Error('card declined');
      },
    },
    orchestrations: {
      *Approves(ctx) {
        return yield ctx.waitForEvent('aproval');
      },
      Tagged: calls('Render', (task) => task.withTag('gpu')),
      *Pays(ctx) {
        return yield ctx.scheduleActivityWithRetry('Charge', null, {
          maxAttempts: 3,
          backoff: '1h',
        });
      },
      Slow: calls('Slow'),
      Mistyped: calls('Chrage'),
      *Sticky(ctx) {
        return yield ctx.scheduleActivityOnSession('Slow', null, 'cart');
      },
      *Top(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Middle', 'middle');
      },
      *Middle(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Approves', 'bottom');
      },
      *Both(ctx) {
        return yield ctx.race(ctx.dequeueEvent('orders'), ctx.scheduleTimer(3_600_000));
      },
      *Changed(ctx) {
        yield ctx.scheduleActivity('Render');
        return yield ctx.waitForEvent('go');
      },
    },
  };
}

/** Which of several instances waits for a slot. */
async function queuedOf(client, ids) {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
    for (const id of ids) {
      const { waitingFor } = await client.describe(id);
      if (waitingFor[0]?.state === 'queued' && waitingFor[0].running === 2) return id;
    }
  }
  throw new Error('none of them waits for a slot');
}

/** What is held: an instance that older code has begun. */
async function begunBefore(provider, client) {
  const runtime = makeRuntime(provider, {
    orchestrations: {
      *Changed(ctx) {
        return yield ctx.waitForEvent('go');
      },
    },
  });
  await runtime.start();
  await client.startOrchestration('held', 'Changed');
  await shop.settled(client, 'held', 'event');
  await runtime.shutdown();
  await client.raiseEvent('held', 'go');
}

test('each thing that an instance may wait for is told', async (t) => {
  const { provider, place } = await openStore(t);
  const client = new Client(provider);
  await begunBefore(provider, client);
  const runtime = makeRuntime(provider, codeOf(t));
  await runtime.start();
  t.after(() => runtime.shutdown(0));
  const env = { DUROXIDE_STORE: locationOf(place) };
  const start = (name) => client.startOrchestration(name.toLowerCase(), name);
  const describes = (id, expected) => says(env, ['describe', id], expected);

  await start('Approves');
  await describes('approves', /^ {2}event 'aproval', for \S+.* \(event \d+\)$/m);
  await start('Tagged');
  await describes('tagged', /'Render' with tag 'gpu': no runtime takes its tag or session/);
  await start('Pays');
  await describes('pays', /'Charge': attempt 2, due in .*, after .*card declined/);
  await start('Mistyped');
  await describes('mistyped', /activity 'Chrage': no runtime has registered it/);
  await start('Nobody');
  await describes('nobody', /code of 'Nobody': no runtime has registered it/);
  await start('Top');
  await describes(
    'top',
    /child 'middle' of 'Middle', Running.*\n {4}child 'bottom' of 'Approves', Running.*\n {6}event 'aproval'/,
  );
  await start('Both');
  const both = await describes('both', /^ {2}a message in queue 'orders', for/m);
  assert.match(both, /^ {2}timer, due in (1h|59m \S+), at \d{4}-/m);
  await describes(
    'held',
    /^status +Running \(held\)$[\s\S]*^ {2}other code: it is held, 'Changed'/m,
  );

  await start('Sticky');
  await describes('sticky', /'Slow' with session 'cart': running on .*process \d+/);
  for (const id of ['slow-1', 'slow-2']) await client.startOrchestration(id, 'Slow');
  await describes(
    await queuedOf(client, ['slow-1', 'slow-2']),
    /'Slow': queued at 1, 2 of 2 slots run/,
  );

  await client.schedule('nightly', { every: '1h', orchestration: 'Approves' });
  await client.pauseSchedule('nightly', 'holiday');
  await says(
    env,
    ['schedules', 'describe', 'nightly'],
    /^stage +paused$[\s\S]*^paused +since .*holiday$/m,
  );

  const health = await says(env, ['health'], /no-code +nobody$/m);
  assert.match(health, /^activity +Render +gpu .*no-worker +tagged$/m);
});

test('a thread that blocks is told', async (t) => {
  const { place } = await openStore(t);
  const child = spawn(process.execPath, [CHILD, JSON.stringify(place), 'Block']);
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const expected = /'block': running on .*, process \d+, whose thread is blocked for/;
  const env = { DUROXIDE_STORE: locationOf(place) };
  const text = await says(env, ['describe', 'culprit'], expected);
  assert.ok(text.includes(`process ${child.pid},`));
});
