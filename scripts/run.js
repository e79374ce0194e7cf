'use strict';

/**
 * `node scripts/run.js [FILE [argument …]]`: installs and builds what is missing, then runs FILE
 * if one is given.
 */

const { spawnSync } = require('node:child_process');
const { ROOT, prepare } = require('./prepare.js');

const [file, ...args] = process.argv.slice(2);
prepare();
if (file) {
  const result = spawnSync(process.execPath, [file, ...args], { cwd: ROOT, stdio: 'inherit' });
  process.exitCode = result.status ?? 1;
}
