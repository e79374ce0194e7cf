'use strict';

/**
 * `npm run release:build`: makes the packages that are published, in build/release.
 *
 *     npm run release:build                            the main package, the command line, the page, and those of
 *                                                      all the systems that can be built for on this one
 *     npm run release:build -- linux-arm64-gnu         the main package, and that of one system
 *     npm run release:build -- --host                  the main package, and those of this system, from
 *                                                      build/Release, as its own compiler made it
 *     npm run release:build -- --programs …            also the engine as a program for every system,
 *                                                      and the packages for musl: all without a name
 *     npm run release:build -- --from <folder> <name>… from binaries in <folder>/<name> that were
 *                                                      built elsewhere
 */

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { MUSL_PLATFORMS, PROGRAM_PLATFORMS, platformName } = require('../lib/platforms.js');
const {
  RELEASE,
  makeCli,
  makeMain,
  makeMusl,
  makePlatform,
  makeProgram,
  makeTelemetry,
  makeUi,
  pack,
} = require('./packages.js');
const { checkSize } = require('./sizes.js');
const { ROOT } = require('./prepare.js');
const {
  COMPILED,
  TARGETS,
  buildProgram,
  buildTarget,
  checkTarget,
  compileTarget,
} = require('./targets.js');

const HOST = platformName(process.platform, process.arch);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    host: { type: 'boolean', default: false },
    programs: { type: 'boolean', default: false },
    from: { type: 'string' },
  },
});

/** @returns {{ name: string, binaries: () => string, checked: boolean }[]} */
function chosen() {
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

/** Whether everything that can be made here is made. */
function hasAll() {
  return !values.host && positionals.length === 0;
}

/** The systems to make the engine as a program for. @returns {string[]} */
function chosenPrograms() {
  if (values.programs || hasAll()) return Object.keys(PROGRAM_PLATFORMS);
  const own = `${process.platform}-${process.arch}`;
  return values.host && own in PROGRAM_PLATFORMS ? [own] : [];
}

/** Makes the packages of the engine as a program, and those for musl. @returns {Result[]} */
function makePrograms() {
  const names = chosenPrograms();
  const programs = names.map((name) => {
    const folder = path.join(RELEASE, 'binaries', `engine-${name}`);
    console.log(`building engine-${name}`);
    buildProgram(name, folder);
    return makeProgram(name, folder);
  });
  const musl = Object.keys(MUSL_PLATFORMS)
    .filter((name) => names.includes(MUSL_PLATFORMS[name].program))
    .map((name) => makeMusl(name));
  const results = (/** @type {string[]} */ folders, /** @type {string} */ needs) =>
    folders.map((folder) => ({ made: pack(folder, RELEASE), needs, problems: [] }));
  return [...results(programs, 'no library'), ...results(musl, 'musl')];
}

/** @param {import('./packages.js').Packed} packed @param {string} needs */
function row({ name, packed, unpacked }, needs) {
  const kilobytes = (/** @type {number} */ bytes) => `${Math.ceil(bytes / 1000)} kB`.padStart(10);
  return `${name.padEnd(32)}${kilobytes(packed)}${kilobytes(unpacked)}   ${needs}`;
}

/** Packages of an earlier run must not be taken for those of this one. */
function removeOld() {
  const names = fs.existsSync(RELEASE) ? fs.readdirSync(RELEASE) : [];
  for (const name of names.filter((file) => file.endsWith('.tgz'))) {
    fs.rmSync(path.join(RELEASE, name));
  }
}

/** @typedef {{ made: import('./packages.js').Packed, needs: string, problems: string[] }} Result */

/** Makes the packages with libraries. @returns {Result[]} */
function makeLibraries() {
  return chosen().map(({ name, binaries, checked }) => {
    const folder = binaries();
    const { needs, problems } = checkTarget(name, folder);
    const made = pack(makePlatform(name, folder), RELEASE);
    // What this system's own compiler made may need this system's own libraries.
    return { made, needs, problems: checked ? problems : [] };
  });
}

function main() {
  removeOld();
  for (const name of hasAll() ? Object.keys(COMPILED) : []) {
    compileTarget(name);
    console.log(`compiled for ${name}, without linking`);
  }
  const results = [
    { made: pack(makeMain(), RELEASE), needs: '', problems: [] },
    { made: pack(makeCli(), RELEASE), needs: '', problems: [] },
    { made: pack(makeUi(), RELEASE), needs: '', problems: [] },
    { made: pack(makeTelemetry(), RELEASE), needs: '', problems: [] },
    ...makeLibraries(),
    ...makePrograms(),
  ];
  const problems = results.flatMap((result) => [...result.problems, ...checkSize(result.made)]);
  console.log(
    `\n${'package'.padEnd(32)}${'packed'.padStart(10)}${'unpacked'.padStart(10)}   needs`,
  );
  for (const { made, needs } of results) console.log(row(made, needs));
  for (const problem of problems) console.error(problem);
  console.log(
    `release:build: ${results.length} packages in ${RELEASE}, ${problems.length} problems`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}

try {
  main();
} catch (error) {
  console.error(`release:build: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
