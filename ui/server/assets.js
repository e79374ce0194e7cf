'use strict';

/** The files of the page, as scripts/ui.js has made them: read once, when they are asked for first. */

const fs = require('node:fs');
const path = require('node:path');

const FOLDER = path.join(__dirname, '..', 'assets');

/** @type {Record<string, string>} */
const TYPES = {
  'page.js': 'text/javascript; charset=utf-8',
  'sign-in.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

/** @type {Map<string, Buffer>} */
const read = new Map();

/** @param {string} name @returns {import('./http.js').Answer | null} */
function asset(name) {
  if (!Object.hasOwn(TYPES, name)) return null;
  const body = read.get(name) ?? fs.readFileSync(path.join(FOLDER, name));
  read.set(name, body);
  return { status: 200, headers: { 'content-type': TYPES[name] }, body };
}

/**
 * The page itself, which is the same for each address below the base.
 *
 * @param {string} basePath of characters that need no escapes
 * @param {'page' | 'sign-in'} script
 */
function html(basePath, script) {
  return `<!doctype html>
<html lang="en" data-base="${basePath}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>duroxide</title>
<link rel="icon" href="${basePath}/assets/icon.svg">
<link rel="stylesheet" href="${basePath}/assets/page.css">
<script type="module" src="${basePath}/assets/${script}.js"></script>
</head>
<body><div id="page"><noscript>This page needs JavaScript.</noscript></div></body>
</html>
`;
}

/**
 * @param {number} status
 * @param {string} basePath
 * @param {'page' | 'sign-in'} script
 * @returns {import('./http.js').Answer}
 */
function page(status, basePath, script) {
  const headers = { 'content-type': 'text/html; charset=utf-8' };
  return { status, headers, body: html(basePath, script) };
}

module.exports = { asset, page };
