'use strict';

/** The page in a real browser: every page, every action, and what goes wrong. */

const assert = require('node:assert/strict');
const http = require('node:http');
const { beforeEach, test } = require('node:test');
const { createDashboard } = require('../ui/index.js');
const { axe, noBrowser, openBrowser, openPage } = require('./support/browser.js');
const { withRuntime, withStore } = require('./support/harness.js');
const { mounted, served } = require('./support/ui.js');

const HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">';

let broken = true;

/** Something of everything that a page shows. */
const SHOP = {
  options: { serviceName: 'shop', serviceVersion: '7' },
  activities: {
    Reserve: (_, order) => ({ reserved: order }),
    Charge: () => {
      if (broken) throw Object.assign(new Error(`declined ${HOSTILE}`), { code: HOSTILE });
      return 'paid';
    },
    Gpu: () => 1,
  },
  orchestrations: {
    *Order(ctx, order) {
      ctx.setCustomStatus({ step: HOSTILE });
      ctx.setValue('note', HOSTILE);
      yield ctx.scheduleActivity('Reserve', order);
      const parcel = ctx.scheduleSubOrchestrationWithId(
        'Parcel',
        `${ctx.instanceId}/parcel`,
        order,
      );
      const [paid] = yield ctx.all([ctx.waitForEvent('paid'), parcel]);
      return paid.ok;
    },
    *Parcel(ctx) {
      return yield ctx.dequeueEvent('scans');
    },
    *Pays(ctx) {
      return yield ctx.scheduleActivityWithRetry('Charge', HOSTILE, {
        maxAttempts: 2,
        backoff: 'none',
      });
    },
    *Video(ctx) {
      return yield ctx.scheduleActivity('Gpu').withTag('gpu');
    },
    *Counts(ctx, n) {
      return n < 3 ? yield ctx.continueAsNew(n + 1) : n;
    },
  },
};

beforeEach(() => {
  broken = true;
});

async function withShop(t, { open = true } = {}) {
  const h = await withRuntime(t, SHOP);
  await h.client.startOrchestration('order', 'Order', { note: HOSTILE });
  await h.client.startOrchestration(`id ${HOSTILE}`, 'Parcel', HOSTILE);
  await h.client.startOrchestration('video', 'Video');
  await h.client.startOrchestration('typo', 'Oder');
  await h.client.startOrchestration('counts', 'Counts', 1);
  await h.client.startOrchestration('pays', 'Pays');
  await h.client.schedule('nightly', { cron: '0 2 * * *', orchestration: 'Parcel', note: HOSTILE });
  await h.wait('pays');
  await h.wait('counts');
  const { page: server, url } = await served(t, h.client);
  const browser = await openBrowser(t);
  const page = await openPage(browser);
  if (open) {
    await page.goto(server.link);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  }
  return { h, server, url, browser, page };
}

const PAGES = [
  ['', 'Needs attention'],
  ['instances', 'Next page', 'All'],
  ['instance?id=order', 'Timeline'],
  ['instance?id=pays', 'Error'],
  ['instance?id=counts', 'Output'],
  ['schedules', 'nightly'],
  ['schedule?id=nightly', 'Next runs'],
  ['runtimes', 'Work that waits'],
  ['activities', 'Reserve'],
  ['versions', 'latest'],
  ['storage', 'Would go now'],
  ['nothing', 'Nothing here'],
];

test('the link signs in once, and does not stay in the address', { skip: noBrowser }, async (t) => {
  const { server, url, browser, page } = await withShop(t);
  assert.equal(page.url(), `${url}/`);
  assert.doesNotMatch(await page.evaluate('JSON.stringify(performance.getEntries())'), /token=/);
  const other = await openPage(browser);
  await other.goto(server.link);
  await other.getByRole('alert').getByText('was used already').waitFor();
  await other.goto(`${url}/`);
  await other.getByText('Open the link').waitFor();
  await other.goto(`${url}/#token=AAAAAAAAAAAAAAAAAAAAAA`);
  await other.getByRole('alert').getByText('this link is wrong').waitFor();
  await other.goto(server.newLink());
  await other.getByRole('heading', { name: 'Overview' }).waitFor();
  await other.getByRole('button', { name: 'Sign out' }).click();
  await other.getByText('Open the link').waitFor();
  // The first one is still in.
  await page.reload();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  assert.deepEqual([...page.problems, ...other.problems], []);
});

for (const colorScheme of ['light', 'dark']) {
  test(`every page can be used by everybody, ${colorScheme}`, { skip: noBrowser }, async (t) => {
    const { server, url, browser } = await withShop(t, { open: false });
    const page = await openPage(browser, { colorScheme });
    await page.goto(server.link);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    for (const [address, ...texts] of PAGES) {
      await page.goto(`${url}/${address}`);
      const text = page.locator('main').getByText(texts.at(-1), { exact: true });
      await text.first().waitFor();
      assert.deepEqual(await axe(page), [], address);
    }
    await page.goto(`${url}/instance?id=order`);
    await page.getByRole('button', { name: 'Raise event…' }).click();
    await page.getByRole('dialog').waitFor();
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(page.problems, []);
  });
}

test('what is hostile is text, on every page', { skip: noBrowser }, async (t) => {
  const { url, page } = await withShop(t);
  const hostile = `instance?id=${encodeURIComponent(`id ${HOSTILE}`)}`;
  for (const address of [...PAGES.map(([each]) => each), hostile]) {
    await page.goto(`${url}/${address}`);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await page.evaluate('window.hacked'), undefined, address);
    assert.equal(await page.locator('main script, main img').count(), 0);
  }
  await page
    .getByText(`"${HOSTILE.replaceAll('"', '\\"')}"`)
    .first()
    .waitFor();
  assert.deepEqual(page.problems, []);
});

test('an instance is led to its end from the page', { skip: noBrowser }, async (t) => {
  const { h, url, page } = await withShop(t);
  await page.getByRole('navigation', { name: 'Pages' }).getByText('Instances').click();
  await page.getByRole('link', { name: 'order', exact: true }).click();
  await page.getByText('the event paid').waitFor();
  await page.getByText('a message in the queue scans').waitFor();

  const act = async (action, fields = {}, said = undefined) => {
    await page.getByRole('button', { name: `${action}…`, exact: true }).click();
    const dialog = page.getByRole('dialog');
    for (const [label, value] of Object.entries(fields)) {
      const field = dialog.getByLabel(label);
      if (value === true) await field.check();
      else await field.fill(value);
    }
    await dialog.getByRole('button', { name: action, exact: true }).click();
    if (said) await page.getByRole('status').getByText(said).waitFor();
    await dialog.waitFor({ state: 'detached' });
  };
  await act('Raise event', { Event: 'paid', Data: '{"by":"card"}' }, 'The event is stored');
  await page.getByRole('link', { name: 'order/parcel' }).first().click();
  await act('Enqueue message', { Queue: 'scans', Data: '"Ulm"' }, 'The message is stored');
  assert.equal((await h.wait('order')).output.by, 'card');
  await page.goto(`${url}/instance?id=order`);
  await page.locator('h1').getByText('Completed').waitFor();
  await act('Delete', {}, 'deleted');
  await page.getByText('not found').waitFor();

  await page.goto(`${url}/instance?id=pays`);
  await page.getByText('declined').first().waitFor();
  broken = false;
  await act('Retry', { Reason: 'mended' }, 'It goes on');
  await page.locator('h1').getByText('Completed').waitFor();
  await page.getByText('OrchestrationRetried').waitFor();

  await page.goto(`${url}/instance?id=counts#event-1`);
  await page.locator('h1').getByText('Completed').waitFor();
  await page.getByRole('button', { name: 'Rewind…' }).click();
  assert.equal(await page.getByLabel('The last event that stays').inputValue(), '1');
  await page.getByRole('dialog').getByRole('button', { name: 'Rewind' }).click();
  await page.getByRole('status').getByText('It goes on from there').waitFor();
  await h.wait('counts');

  await page.goto(`${url}/instance?id=video`);
  await page.getByText('with the tag gpu, which no runtime takes').waitFor();
  await act('Cancel', { Reason: 'no gpu' }, 'is stored');
  await page.locator('h1').getByText('Failed').waitFor();
  await page.goto(`${url}/instance?id=typo`);
  await page.getByText('none that lives has registered it').waitFor();
  await act('Delete', { 'Also if it still runs': true }, '1 deleted');
  await page.getByText('not found').waitFor();
  await page.goto(`${url}/instance?id=${encodeURIComponent(`id ${HOSTILE}`)}`);
  await act('Terminate', { Reason: 'not wanted' }, 'is stored');
  await page.locator('h1').getByText('Failed').waitFor();
  await page.goto(`${url}/instance?id=counts`);
  await page.getByRole('navigation', { name: 'Executions' }).getByText('2').click();
  await page.getByText('OrchestrationContinuedAsNew').waitFor();
  await act('Delete old executions', { 'Keep the last': '1' }, '2 executions deleted');
  assert.deepEqual(await h.client.listExecutions('counts'), [3]);
  assert.deepEqual(page.problems, []);
});

test('what is refused is said in the dialog', { skip: noBrowser }, async (t) => {
  const { url, page } = await withShop(t);
  await page.goto(`${url}/instance?id=order`);
  await page.getByRole('button', { name: 'Raise event…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Event').fill('paid');
  await dialog.getByLabel('Data').fill('not json');
  await dialog.getByRole('button', { name: 'Raise event' }).click();
  await dialog.getByText('data must be JSON').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Delete…', exact: true }).click();
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await dialog.getByRole('alert').getByText('running').waitFor();
});

test('many instances are ended together', { skip: noBrowser }, async (t) => {
  const h = await withStore(t);
  for (let i = 0; i < 12; i++) await h.client.startOrchestration(`many-${i}`, 'Nobody');
  const { page: server } = await served(t, h.client);
  const page = await openPage(await openBrowser(t));
  await page.goto(server.link);
  await page.getByRole('link', { name: 'Instances' }).click();
  await page.getByLabel('Choose many-3', { exact: true }).check();
  await page.getByLabel('Choose all of this page').check();
  await page.getByRole('button', { name: 'Delete…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('and 2 more').waitFor();
  await dialog.getByLabel('Also if it still runs').check();
  await dialog.getByRole('button', { name: 'Delete 12' }).click();
  await dialog.getByText('12 of 12: all done').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByText('No instance fits').waitFor();
  assert.equal((await h.client.getSystemMetrics()).totalInstances, 0);
  assert.deepEqual(page.problems, []);
});

test('schedules are led from the page', { skip: noBrowser }, async (t) => {
  const { h, page } = await withShop(t);
  await page.getByRole('navigation', { name: 'Pages' }).getByText('Schedules').click();
  await page.getByRole('link', { name: 'nightly' }).click();
  const act = async (action, said) => {
    await page.getByRole('button', { name: `${action}…` }).click();
    await page.getByRole('dialog').getByRole('button', { name: action }).click();
    await page.getByRole('status').getByText(said).waitFor();
  };
  await act('Pause', 'It is paused');
  await page.locator('h1').getByText('paused').waitFor();
  await act('Resume', 'It goes on');
  await act('Run now', 'Started nightly:manual');
  const runs = page.getByRole('region', { name: 'Last decisions' });
  await runs.getByRole('link', { name: /nightly:manual/ }).waitFor();
  await page.getByRole('button', { name: 'Backfill…' }).click();
  const day = (offset) => new Date(Date.now() - offset * 86_400_000).toISOString().slice(0, 16);
  await page.getByLabel('From').fill(day(3));
  await page.getByLabel('Before').fill(day(1));
  await page.getByRole('dialog').getByRole('button', { name: 'Backfill' }).click();
  await page.getByRole('status').getByText('2 ticks will be started').waitFor();
  await act('Delete', 'It is deleted');
  assert.deepEqual(await h.client.listSchedules(), []);
  assert.deepEqual(page.problems, []);
});

test('timeline and history lead to each other', { skip: noBrowser }, async (t) => {
  const { url, page } = await withShop(t);
  await page.goto(`${url}/instance?id=pays`);
  const bar = page.locator('.timeline a').first();
  assert.match(await bar.getAttribute('aria-label'), /^activity Charge, failed, /);
  await bar.focus();
  await page.keyboard.press('Enter');
  const row = page.locator('tr.selected');
  await row.getByText('ActivityScheduled').waitFor();
  assert.ok(await row.evaluate((element) => element.getBoundingClientRect().top < innerHeight));
  await page.getByRole('link', { name: 'Event 3, show it in the timeline' }).click();
  await page.locator('tr.selected').getByText('ActivityFailed').waitFor();
  assert.equal(await page.locator('.bar.selected').count(), 1);
  const box = await page.locator('.timeline svg').boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 5);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.8, box.y + 8);
  await page.mouse.up();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.locator('.timeline button:disabled').getByText('Show all').waitFor();
  assert.deepEqual(page.problems, []);
});

test('the page can be used by keyboard alone', { skip: noBrowser }, async (t) => {
  const { page } = await withShop(t);
  const focused = () => page.evaluate('document.activeElement.textContent');
  const tabTo = async (text) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab');
      if ((await focused()) === text) return page.keyboard.press('Enter');
    }
    assert.fail(`${text} cannot be reached, the last one was ${await focused()}`);
  };
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'To the content');
  await tabTo('Instances');
  await page.getByRole('heading', { name: 'Instances' }).waitFor();
  await tabTo('order');
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  await tabTo('Cancel…');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(), 'Cancel…');
});

test('a lost connection is said, and found again', { skip: noBrowser }, async (t) => {
  const h = await withRuntime(t, SHOP);
  await h.client.startOrchestration('order', 'Order', {});
  const users = { user: 'ada', role: 'operate' };
  let isIn = true;
  const options = { authenticate: () => (isIn ? users : null), readOnly: false };
  const dashboard = createDashboard(h.client, options);
  const listen = async (port) => {
    const server = http.createServer((req, res) => dashboard.handler(req, res));
    await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
    return server;
  };
  const stop = (server) => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  let server = await listen(0);
  const { port } = server.address();
  t.after(() => stop(server));
  const page = await openPage(await openBrowser(t));
  await page.goto(`http://127.0.0.1:${port}/instance?id=order`);
  await page.getByText('the event paid').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await stop(server);
  await page.getByText('The connection is lost').waitFor();
  // What was there stays to be read.
  assert.ok(await page.getByText('the event paid').isVisible());
  await h.client.enqueueEvent('order/parcel', 'scans', 1);
  await h.client.raiseEvent('order', 'paid', 1);
  await h.wait('order');
  server = await listen(port);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.locator('h1').getByText('Completed').waitFor();
  isIn = false;
  await page.getByText('You are signed out').waitFor();
  assert.deepEqual(page.problems, []);
});

test('a page that nobody sees keeps no stream', { skip: noBrowser }, async (t) => {
  const h = await withRuntime(t, SHOP);
  await h.client.startOrchestration('order', 'Order', {});
  const { url, visitor } = await mounted(t, h.client);
  const page = await openPage(await openBrowser(t));
  await page.goto(`${url}/instance?id=order`);
  await page.getByText('the event paid').waitFor();
  const turn = (isHidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, isHidden);
  await turn(true);
  // Then all of them are free for others.
  const streams = [];
  while (streams.length < 20) {
    const stream = await visitor.follow(`instances?limit=${streams.length + 1}`);
    if (stream.status === 200) streams.push(stream);
  }
  await Promise.all(streams.map((stream) => stream.close()));
  await h.client.enqueueEvent('order/parcel', 'scans', 1);
  await h.client.raiseEvent('order', 'paid', 1);
  await h.wait('order');
  await turn(false);
  await page.locator('h1').getByText('Completed').waitFor();
  assert.deepEqual(page.problems, []);
});

test('who may only look sees no action', { skip: noBrowser }, async (t) => {
  const h = await withRuntime(t, SHOP);
  await h.client.startOrchestration('order', 'Order', {});
  const { page: server } = await served(t, h.client, { readOnly: true });
  const page = await openPage(await openBrowser(t));
  await page.goto(server.link);
  await page.getByText('(read only)').waitFor();
  await page.goto(`${server.url}instance?id=order`);
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /…$/ }).count(), 0);
});

test('with 100,000 instances', { skip: noBrowser }, async (t) => {
  const h = await withStore(t, { memory: true });
  const left = Array.from({ length: 100_000 }, (_, i) => i);
  const start = async () => {
    for (let i = left.pop(); i !== undefined; i = left.pop()) {
      await h.client.startOrchestration(`i-${i}`, i % 2 === 0 ? 'Even' : 'Odd');
    }
  };
  await Promise.all(Array.from({ length: 200 }, start));
  const { page: server, url } = await served(t, h.client);
  const page = await openPage(await openBrowser(t));
  const shows = async (address, text) => {
    const began = performance.now();
    await page.goto(`${url}/${address}`);
    await page.getByText(text).first().waitFor();
    t.diagnostic(`${address || 'overview'}: ${Math.round(performance.now() - began)} ms`);
  };
  await page.goto(server.link);
  await page.getByText('100,000').first().waitFor();
  await shows('', '100,000');
  await shows('instances', 'Next page');
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.getByRole('link', { name: 'First page' }).waitFor();
  await shows('instances?name=Odd&status=Running', 'Next page');
  await shows('instances?idPrefix=i-77777', 'i-77777');
  await shows('instance?id=i-77777', 'none that lives has registered it');
  await shows('runtimes', 'Work that waits');
  await shows('versions', 'none that lives');
  await shows('activities', 'None of them has called');
  await shows('storage', 'Would go now');
  assert.deepEqual(page.problems, []);
});
