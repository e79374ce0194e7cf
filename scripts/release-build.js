'use strict';

/**
 * `npm run release:build`: makes the packages that are published, in build/release.
 *
 *     npm run release:build                            the main package, and those of all the systems
 *                                                      that can be built for on this one
 *     npm run release:build -- linux-arm64-gnu         the main package, and that of one system
 *     npm run release:build -- --host                  the main package, and that of this system from
 *                                                      build/Release, as its own compiler made it
 *     npm run release:build -- --from <folder> <name>… from binaries in <folder>/<name> that were
 *                                                      built elsewhere
 */

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { platformName } = require('../lib/platforms.js');
const { RELEASE, checkSize, makeMain, makePlatform, pack } = require('./packages.js');
const { ROOT } = require('./prepare.js');
const { TARGETS, buildTarget, checkTarget } = require('./targets.js');

const HOST = platformName(process.platform, process.arch);

/** @returns {{ name: string, binaries: () => string, checked: boolean }[]} */
function chosen() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { host: { type: 'boolean', default: false }, from: { type: 'string' } },
  });
  if (values.host) {
    return [{ name: HOST, binaries: () => path.join(ROOT, 'build', 'Release'), checked: false }];
  }
  const { from } = values;
  const names = positionals.length > 0 ? positionals : Object.keys(TARGETS);
  for (const name of names) {
    if (from === undefined && !(name in TARGETS)) {
      throw new Error(`${name} cannot be built here; there are ${Object.keys(TARGETS).join(', ')}`);
    }
  }
  return names.map((name) => ({
    name,
    binaries: () => (from === undefined ? build(name) : path.resolve(from, name)),
    checked: true,
  }));
}

/** @param {string} name */
function build(name) {
  const folder = path.join(RELEASE, 'binaries', name);
  console.log(`building ${name}`);
  buildTarget(name, folder);
  return folder;
}

/** @param {import('./packages.js').Packed} packed @param {string} needs */
function row({ name, packed, unpacked }, needs) {
  const kilobytes = (/** @type {number} */ bytes) => `${Math.ceil(bytes / 1000)} kB`.padStart(10);
  return `${name.padEnd(28)}${kilobytes(packed)}${kilobytes(unpacked)}   ${needs}`;
}

function main() {
  const choice = chosen();
  for (const file of fs.existsSync(RELEASE) ? fs.readdirSync(RELEASE) : []) {
    if (file.endsWith('.tgz')) fs.rmSync(path.join(RELEASE, file));
  }
  const packed = pack(makeMain(), RELEASE);
  const problems = checkSize(packed);
  const rows = [row(packed, '')];
  for (const { name, binaries, checked } of choice) {
    const folder = binaries();
    const look = checkTarget(name, folder);
    const made = pack(makePlatform(name, folder), RELEASE);
    // What this system's own compiler made may need this system's own libraries.
    problems.push(...(checked ? look.problems : []), ...checkSize(made));
    rows.push(row(made, look.needs));
  }
  console.log(
    `\n${'package'.padEnd(28)}${'packed'.padStart(10)}${'unpacked'.padStart(10)}   needs`,
  );
  for (const line of rows) console.log(line);
  for (const problem of problems) console.error(problem);
  console.log(`release:build: ${rows.length} packages in ${RELEASE}, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

try {
  main();
} catch (error) {
  console.error(`release:build: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
