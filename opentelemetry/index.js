'use strict';

const { instrument } = require('./instrument.js');
const { SpanIds } = require('./span-ids.js');

module.exports = { SpanIds, instrument };
