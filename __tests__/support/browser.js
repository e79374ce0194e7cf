'use strict';

/** The page in a real browser, and what must hold on each of its pages. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { chromium } = require('playwright-core');
const { findBrowser } = require('../../scripts/browser.js');
const { PATIENCE_MS } = require('./harness.js');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Why tests in a browser are skipped, or false where there is one. */
const noBrowser = findBrowser() === undefined && 'there is no Chromium on this machine';

/** Starts the browser; it ends with the test. */
async function openBrowser(t) {
  // It has nothing but this machine's own pages to fear, and root may not use its sandbox.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  const browser = await chromium.launch({ executablePath: findBrowser(), args });
  t.after(() => browser.close());
  return browser;
}

/** Opens a page that takes down what goes wrong in it. */
async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error.stack)));
  page.on('dialog', (dialog) => {
    page.problems.push(`a dialog of the browser: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // The browser says so of each answer that is no success; tests ask for some.
    if (message.type() === 'error' && !/Failed to load resource|ERR_/.test(message.text())) {
      page.problems.push(message.text());
    }
  });
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol !== 'data:' && hostname !== '127.0.0.1') page.problems.push(request.url());
  });
  return page;
}

/** What axe-core finds of what people could not use. */
async function axe(page) {
  // In a world of its own: the policy of the page lets no script of others in.
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
  });
  const run = async (expression) => {
    const asked = { expression, contextId, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', asked);
    assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
    return result.value;
  };
  await run(`${AXE}; 0`);
  const found = await run(`axe.run(document, { resultTypes: ['violations'] }).then((result) =>
    result.violations.map(({ id, nodes }) => id + ': ' + nodes.map((n) => n.html + ' ' +
      (n.any[0]?.message ?? '')).slice(0, 3).join(' | ')))`);
  await session.detach();
  return found;
}

module.exports = { axe, noBrowser, openBrowser, openPage };
