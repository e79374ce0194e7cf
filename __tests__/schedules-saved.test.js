'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const zlib = require('node:zlib');
const { replay } = require('../lib/testing/testing.js');

/**
 * Histories of schedules, as releases have written them (support/make-schedule-history.js), replay with the code
 * of today: a schedule that asks for something else than before gets a version of its own.
 */

const FOLDER = path.join(__dirname, 'testdata', 'schedules');

for (const file of fs.readdirSync(FOLDER)) {
  test(`the schedule in ${file} replays`, async () => {
    const history = zlib.gunzipSync(fs.readFileSync(path.join(FOLDER, file))).toString();
    assert.deepEqual(await replay(history, []), { ok: true });
    // It is no empty promise: what does something else does not fit.
    assert.equal((await replay(history, function* other() {})).ok, false);
  });
}
