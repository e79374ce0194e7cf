'use strict';

/** A newcomer finds out on the page, in a real browser, why each of twelve instances hangs. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const { Client } = require('../lib/duroxide.js');
const { noBrowser, openBrowser, openPage } = require('./support/browser.js');
const { withStore } = require('./support/harness.js');
const { openStore } = require('./support/store.js');
const { served } = require('./support/ui.js');

const CHILD = path.join(__dirname, 'support', 'blocked-process.js');

/** Opens the page, and gives what shows whether it says something. */
async function reader(t, client) {
  const { page: server, url } = await served(t, client);
  const page = await openPage(await openBrowser(t));
  await page.goto(server.link);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const says = async (address, ...texts) => {
    await page.goto(`${url}/${address}`);
    for (const text of texts) {
      await page.locator('main').getByText(text).first().waitFor();
    }
  };
  return { page, says };
}

/** Everything that can hang in one process. */
function code(t) {
  let end;
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  t.after(() => end());
  return {
    activities: {
      Slow: () => ended,
      Charge: () => {
        throw new Error('card declined');
      },
      Render: () => 1,
    },
    orchestrations: {
      *Approval(ctx) {
        return yield ctx.waitForEvent('aproval');
      },
      *Video(ctx) {
        return yield ctx.scheduleActivity('Render').withTag('gpu');
      },
      *Pays(ctx) {
        return yield ctx.scheduleActivityWithRetry('Charge', null, {
          maxAttempts: 3,
          backoff: '1h',
        });
      },
      *Calls(ctx) {
        return yield ctx.scheduleActivity('Slow');
      },
      *Sticky(ctx) {
        return yield ctx.scheduleActivityOnSession('Slow', null, 'cart');
      },
      *Top(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Middle', 'middle');
      },
      *Middle(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Bottom', 'bottom');
      },
      *Bottom(ctx) {
        return yield ctx.waitForEvent('go');
      },
      *Queue(ctx) {
        return yield ctx.dequeueEvent('orders');
      },
      *Timer(ctx) {
        return yield ctx.scheduleTimer(3_600_000);
      },
    },
  };
}

test('eleven that wait, each for something else', { skip: noBrowser }, async (t) => {
  const h = await withStore(t);
  const { client } = h;
  // What is held has begun with other code.
  const before = await h.start({
    options: { codeId: 'before' },
    orchestrations: {
      *Changed(ctx) {
        ctx.setCustomStatus('waiting');
        return yield ctx.waitForEvent('old name');
      },
    },
  });
  await client.startOrchestration('changed', 'Changed');
  await h.until('changed', 'waiting');
  await before.shutdown(100);
  const { activities, orchestrations } = code(t);
  await h.start({
    options: { codeId: 'after', onNondeterminism: 'hold', workerConcurrency: 1 },
    activities,
    orchestrations: {
      ...orchestrations,
      *Changed(ctx) {
        return yield ctx.scheduleTimer(1000);
      },
    },
  });
  await client.raiseEvent('changed', 'old name');
  const { page, says } = await reader(t, client);

  await client.startOrchestration('pays', 'Pays');
  await says('instance?id=pays', 'attempt 2, due in 59 min', 'card declined');
  await client.startOrchestration('approval', 'Approval');
  await says('instance?id=approval', 'the event aproval');
  await client.startOrchestration('video', 'Video');
  await says('instance?id=video', 'the activity Render with the tag gpu, which no runtime takes');
  await client.startOrchestration('slow', 'Calls');
  await says('instance?id=slow', /the activity Slow, which runs on .*, process \d+/);
  await client.startOrchestration('full', 'Calls');
  await says('instance?id=full', 'the activity Slow, number 1 in the queue (1 run on 1 slots)');
  await client.startOrchestration('session', 'Sticky');
  await says('instance?id=session', 'the activity Slow of the session cart, number');
  await client.startOrchestration('typo', 'Aproval');
  await says('instance?id=typo', 'a runtime that runs Aproval: none that lives has registered it');
  await says('instance?id=changed', 'is held', 'its history does not fit the code');
  await client.startOrchestration('top', 'Top');
  await says('instance?id=top', 'the child Middle', 'the child Bottom', 'the event go');
  await client.startOrchestration('queue', 'Queue');
  await says('instance?id=queue', 'a message in the queue orders');
  await client.startOrchestration('timer', 'Timer');
  await says('instance?id=timer', 'a timer, due in 59 min');
  await client.schedule('nightly', { cron: '0 2 * * *', orchestration: 'Timer', paused: true });
  await client.pauseSchedule('nightly', 'for the holidays');
  await says('schedule?id=nightly', 'paused', 'for the holidays');

  await says('', 'The activity Render, tag gpu', 'The orchestration Aproval');
  assert.deepEqual(page.problems, []);
});

test('one whose thread is blocked', { skip: noBrowser }, async (t) => {
  const { place, provider } = await openStore(t);
  const child = spawn(process.execPath, [CHILD, JSON.stringify(place), 'Block']);
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const { says } = await reader(t, new Client(provider));
  await says('instances', 'culprit');
  await says('instance?id=culprit', `process ${child.pid}, whose thread is blocked for`);
  await says('runtimes', 'blocked for');
  await says('', 'The JavaScript thread of');
});
