'use strict';

/**
 * `node scripts/browser.js node scripts/screenshots.js`: makes the pictures of the page that stand in the
 * documents, of a shop with orders, in docs/images.
 */

const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { chromium } = require('playwright-core');
const { Client, Runtime, SqliteProvider } = require('../lib/duroxide.js');
const { serve } = require('../ui/index.js');
const { findBrowser } = require('./browser.js');
const { ROOT } = require('./prepare.js');

const IMAGES = path.join(ROOT, 'docs', 'images');

/** How long the shop runs before it is looked at. */
const RUNS_MS = 6_000;
const SIZE = { width: 1280, height: 760 };

const ACTIVITIES = {
  reserve: async (/** @type {any} */ _, /** @type {any} */ order) => {
    await sleep(150);
    return { reserved: order.items };
  },
  charge: async (/** @type {any} */ ctx) => {
    await sleep(120);
    if (ctx.attempt < 3) throw Object.assign(new Error('card declined'), { code: 'DECLINED' });
    return { receipt: 'r-17' };
  },
  pack: async () => {
    await sleep(200);
    return 'packed';
  },
  render: () => null,
};

const ORCHESTRATIONS = {
  *Parcel(/** @type {any} */ ctx) {
    yield ctx.scheduleActivity('pack');
    return yield ctx.waitForEvent('delivered');
  },
  *Order(/** @type {any} */ ctx, /** @type {any} */ order) {
    ctx.setCustomStatus({ step: 'paying' });
    ctx.setValue('customer', order.customer);
    yield ctx.scheduleActivity('reserve', order);
    const retry = { maxAttempts: 5, backoff: 300 };
    yield ctx.scheduleActivityWithRetry('charge', order, retry);
    yield ctx.race(ctx.waitForEvent('hurry'), ctx.scheduleTimer(1500));
    ctx.setCustomStatus({ step: 'shipping' });
    const parcels = order.items.map((/** @type {string} */ item) =>
      ctx.scheduleSubOrchestrationWithId('Parcel', `${ctx.instanceId}/${item}`, { item }),
    );
    yield ctx.all(parcels);
    return 'shipped';
  },
  *Video(/** @type {any} */ ctx) {
    return yield ctx.scheduleActivity('render').withTag('gpu');
  },
  *Report(/** @type {any} */ ctx) {
    return yield ctx.scheduleActivity('pack');
  },
  *Refund() {
    yield* [];
    const cause = new Error('the account was closed');
    throw Object.assign(new Error('the money came back', { cause }), { code: 'RETURNED' });
  },
};

/** Opens the shop. @param {any} store */
async function openShop(store) {
  const runtime = new Runtime(store, {
    logLevel: 'off',
    workerConcurrency: 4,
    serviceName: 'shop',
  });
  for (const [name, fn] of Object.entries(ACTIVITIES)) runtime.registerActivity(name, fn);
  for (const [name, fn] of Object.entries(ORCHESTRATIONS)) runtime.registerOrchestration(name, fn);
  await runtime.start();
  const client = new Client(store);
  await client.schedule('nightly-report', { cron: '0 2 * * *', orchestration: 'Report' });
  for (let i = 0; i < 40; i++) await client.startOrchestration(`report-${i}`, 'Report', i);
  await client.startOrchestration('video-7', 'Video');
  await client.startOrchestration('refund-3', 'Refund', { order: 'order-2' });
  await client.startOrchestration('order-6', 'Oder', { customer: 'bob' });
  const order = { customer: 'ada', items: ['book', 'lamp'] };
  await client.startOrchestration('order-5', 'Order', order);
  return { runtime, client };
}

/** @type {[string, string, 'light' | 'dark'][]} */
const PICTURES = [
  ['overview', '', 'light'],
  ['instance', 'instance?id=order-5', 'light'],
  ['instances', 'instances', 'dark'],
  ['failed', 'instance?id=refund-3', 'dark'],
  ['schedule', 'schedule?id=nightly-report', 'light'],
  ['activities', 'activities', 'light'],
];

async function main() {
  const store = await SqliteProvider.inMemory();
  const { runtime, client } = await openShop(store);
  await sleep(RUNS_MS);
  const { url, link, close } = await serve({ client, print: () => {} });
  const args = ['--no-sandbox'];
  const browser = await chromium.launch({ executablePath: findBrowser(), args });
  const page = await browser.newPage({ viewport: SIZE });
  await page.goto(link);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  for (const [name, address, colorScheme] of PICTURES) {
    await page.emulateMedia({ colorScheme });
    await page.goto(url + address);
    // The rates of the overview are told by its second look.
    await sleep(2_500);
    await page.screenshot({ path: path.join(IMAGES, `${name}.png`) });
  }
  await browser.close();
  await close();
  await runtime.shutdown();
  await store.close();
}

main();
