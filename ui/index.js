'use strict';

const { createDashboard } = require('./server/mount.js');
const { serve } = require('./server/serve.js');

module.exports = { createDashboard, serve };
