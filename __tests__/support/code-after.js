'use strict';

const { register } = require('./changes.js');

/** The code that `duroxide check` is to try: that after the changes. */
module.exports = (runtime) => register(runtime, 'after');
