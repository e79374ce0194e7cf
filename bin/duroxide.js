#!/usr/bin/env node
'use strict';

const { main } = require('../lib/commands/main.js');

// Here, because no bundler is to wonder what this may load.
const load = (/** @type {string} */ url) => import(url);

main(process.argv.slice(2), load).then((code) => {
  process.exitCode = code;
});
