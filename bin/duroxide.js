#!/usr/bin/env node
'use strict';

const { findPart } = require('../lib/command-line.js');

/** Where the command line is missing, or what was asked for makes no sense. */
const USAGE_CODE = 2;

// Here, because no bundler is to wonder what this may load.
const load = (/** @type {string} */ url) => import(url);

const { exported, problem } = findPart('cli');
if (exported === undefined) {
  process.stderr.write(`duroxide: ${problem}\n`);
  process.exitCode = USAGE_CODE;
} else {
  exported.main(process.argv.slice(2), { load, findPart }).then((/** @type {number} */ code) => {
    process.exitCode = code;
  });
}
