'use strict';

/** `npm run format`: rewrites every file the way the linters want it. */

const { spawnSync } = require('node:child_process');
const { FORMATTERS } = require('./parts.js');
const { ROOT, prepare } = require('./prepare.js');

prepare({ needsBuild: false });
for (const [command, ...args] of FORMATTERS) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (result.status !== 0) process.exitCode = 1;
}
