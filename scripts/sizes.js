'use strict';

const { packageName } = require('../lib/platforms.js');
const manifest = require('../package.json');

/** What published packages may weigh, in bytes. */
const LIMITS = {
  main: { packed: 100_000, unpacked: Number.POSITIVE_INFINITY },
  cli: { packed: 50_000, unpacked: Number.POSITIVE_INFINITY },
  ui: { packed: 150_000, unpacked: Number.POSITIVE_INFINITY },
  opentelemetry: { packed: 15_000, unpacked: Number.POSITIVE_INFINITY },
  platform: { packed: 8_000_000, unpacked: 21_000_000 },
};

/** What is wrong with the size of a package. @param {import('./packages.js').Packed} of @returns {string[]} */
function checkSize({ name, packed, unpacked }) {
  const { [name]: limit = LIMITS.platform } = {
    [manifest.name]: LIMITS.main,
    [packageName('cli')]: LIMITS.cli,
    [packageName('ui')]: LIMITS.ui,
    [packageName('opentelemetry')]: LIMITS.opentelemetry,
  };
  const problems = [];
  if (packed > limit.packed) problems.push(`${name} has ${packed} bytes, at most ${limit.packed}`);
  if (unpacked > limit.unpacked) {
    problems.push(`${name} unpacks to ${unpacked} bytes, at most ${limit.unpacked}`);
  }
  return problems;
}

module.exports = { checkSize };
