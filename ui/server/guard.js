'use strict';

/**
 * Who may ask for what.
 *
 * 1. Every answer has the headers below, whatever it is.
 * 2. Nothing is answered before `authenticate` has let the request in.
 * 3. Changes come as POST with JSON from the page itself, by somebody who may operate.
 */

const { timingSafeEqual } = require('node:crypto');
const { Problem } = require('./problem.js');

const HEADERS = Object.freeze({
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
    "connect-src 'self'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
});

/** @typedef {import('./http.js').Asked} Asked */
/** @typedef {{ user: string | null, role: 'read' | 'operate' }} Who */

/** Whether an `Origin` is the one that was asked. @param {Asked} asked @param {string} origin */
function isOwnOrigin(asked, origin) {
  const host = asked.header('host') ?? asked.header(':authority');
  let url;
  try {
    url = new URL(origin);
  } catch {
    return false;
  }
  if (host === null || url.origin !== origin || url.host !== host.toLowerCase()) return false;
  // In front of plain HTTP there may be a proxy with TLS.
  return url.protocol === 'https:' || (url.protocol === 'http:' && !asked.isEncrypted);
}

/** Refuses what another site has made a browser ask for. @param {Asked} asked */
function checkSite(asked) {
  const site = asked.header('sec-fetch-site');
  if (asked.method === 'POST') {
    const origin = asked.header('origin');
    const isOwn = site === null ? origin !== null && isOwnOrigin(asked, origin) : isSame(site);
    if (!isOwn) throw new Problem(403, 'FORBIDDEN', 'changes are made from the page itself only');
    return;
  }
  if (site !== null && !isSame(site) && site !== 'none') {
    throw new Problem(403, 'FORBIDDEN', 'this is for the page itself only');
  }
}

/** @param {string} site */
function isSame(site) {
  return site === 'same-origin';
}

/** @param {Asked} asked */
function checkIsJson(asked) {
  const type = (asked.header('content-type') ?? '').split(';')[0].trim().toLowerCase();
  if (type !== 'application/json') {
    throw new Problem(403, 'FORBIDDEN', 'changes are sent as application/json');
  }
}

/** @param {Who} who @param {boolean} readOnly */
function checkMayOperate(who, readOnly) {
  if (readOnly) throw new Problem(403, 'READ_ONLY', 'this page was mounted to be read only');
  if (who.role !== 'operate') {
    throw new Problem(403, 'FORBIDDEN', 'you may look, but not change anything');
  }
}

/** Compares in a time that says nothing of where two texts differ. @param {string} a @param {string} b */
function isSameSecret(a, b) {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * What `authenticate` says. Whatever is no clear yes is an error, and lets nobody in.
 *
 * @param {unknown} answer
 * @returns {Who | null}
 */
function whoOf(answer) {
  if (answer === null || answer === undefined) return null;
  const { user, role } = /** @type {any} */ (answer);
  if (typeof user !== 'string' || (role !== 'read' && role !== 'operate')) {
    throw new TypeError(
      "authenticate must give null or { user: string, role: 'read' | 'operate' }",
    );
  }
  return { user, role };
}

module.exports = { HEADERS, checkIsJson, checkMayOperate, checkSite, isSameSecret, whoOf };
