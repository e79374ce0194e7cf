'use strict';

/** The process that retries what has failed until it is killed: `retrying-child.js PLACE IDS`. */

const { Client } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');

async function main() {
  const [place, ids] = process.argv.slice(2).map((text) => JSON.parse(text));
  const client = new Client(await open(place));
  console.log('ready');
  await Promise.all(ids.map((id) => client.retryInstance(id)));
  console.log('done');
  process.exit();
}

main();
