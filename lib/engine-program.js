'use strict';

const fs = process.getBuiltinModule('node:fs');
const { createRequire } = process.getBuiltinModule('node:module');
const path = process.getBuiltinModule('node:path');
const { FILE, HERE, resolve } = require('./here.js');
const {
  PROGRAM_FILE,
  PROGRAM_PLATFORMS,
  packageName,
  platformName,
  programPackage,
} = require('./platforms.js');
const unfit = require('./unfit.js');
const { version } = require('../package.json');

/** Finds the engine as a program, for a process of its own. */

/**
 * The folder of a package, as one of several files would find it.
 *
 * @param {string} name
 * @param {string[]} from
 */
function folderOf(name, from) {
  for (const file of from) {
    try {
      return path.dirname(createRequire(file).resolve(`${name}/package.json`));
    } catch {
      // The next one may know it.
    }
  }
  return null;
}

/**
 * Gives the program, or an error that says what to install. Where no library can be loaded it comes
 * with the package for musl, elsewhere whoever wants it installs it beside this package.
 *
 * @returns {string}
 */
function findProgram() {
  const chosen = process.env.DUROXIDE_NATIVE_PATH;
  if (chosen) return path.resolve(chosen, PROGRAM_FILE);
  const name = `${process.platform}-${process.arch}`;
  if (!(name in PROGRAM_PLATFORMS)) throw unfit.noProgram();
  const wanted = programPackage(name);
  const musl = resolve(
    `${packageName(platformName(process.platform, process.arch, 'musl'))}/package.json`,
  );
  const from = [musl, FILE, path.join(process.cwd(), 'package.json')];
  const folder = folderOf(wanted, /** @type {string[]} */ (from.filter((file) => file !== null)));
  const build = path.join(HERE, 'build', 'Release');
  const folders = [...(folder === null ? [] : [folder]), build];
  const found = folders
    .map((each) => path.join(each, PROGRAM_FILE))
    .find((file) => fs.existsSync(file));
  if (found === undefined) throw unfit.programMissing(wanted, version, looks(wanted, folders));
  return found;
}

/** @param {string} wanted @param {string[]} folders */
function looks(wanted, folders) {
  const among = folders.map((where) => ({ where, found: `there is no ${PROGRAM_FILE}` }));
  if (folders.length > 1) return among;
  return [{ where: `${wanted}@${version}`, found: `not found from ${HERE}` }, ...among];
}

module.exports = { findProgram };
