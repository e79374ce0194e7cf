'use strict';

const { createTestEnvironment } = require('./environment.js');
const { replay } = require('./replay.js');

// A plain literal, so that named imports work from ES modules.
module.exports = { createTestEnvironment, replay };
