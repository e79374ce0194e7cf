'use strict';

/** The first workflow of the README, for a package that is installed in the working directory. */

const { createRequire } = require('node:module');
const path = require('node:path');
const { firstWorkflow } = require('./consumer.js');

const requireHere = createRequire(path.join(process.cwd(), 'shop.js'));
new Function('require', firstWorkflow())(requireHere);
