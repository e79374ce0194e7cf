'use strict';

/**
 * `node scripts/browser.js <command> [arguments]` runs a command with DUROXIDE_BROWSER naming a Chromium: the
 * one that it names already, one of the machine, or that of Debian's package, which is installed where this
 * may be done. Where there is none this is said, and the exit code is 77.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const LACKING = 77;
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const APT = ['-y', '--no-install-recommends', 'install', 'chromium'];

/** The browser of the machine. @returns {string | undefined} */
function findBrowser() {
  const { DUROXIDE_BROWSER, PATH = '' } = process.env;
  if (DUROXIDE_BROWSER) return DUROXIDE_BROWSER;
  const folders = PATH.split(path.delimiter).filter((folder) => folder !== '');
  const files = folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name)));
  return files.find((file) => fs.existsSync(file));
}

/** Installs Debian's package. Gives why it cannot, or null. @returns {string | null} */
function install() {
  if (process.platform !== 'linux') return 'there is no Chromium on this machine';
  if (process.getuid?.() !== 0) return 'there is no Chromium, and only root may install it';
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (/** @type {string[]} */ args) =>
    spawnSync('apt-get', args, { env, encoding: 'utf8', timeout: 600_000 });
  // A machine that is new knows of no packages.
  const done = [['update'], APT].map(apt);
  if (done[1].status === 0) return null;
  const said = done[1].error?.message ?? done[1].stderr.trim().split('\n').at(-1);
  return `there is no Chromium, and it cannot be installed: ${said}`;
}

function main() {
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined) throw new Error('name a command: node scripts/browser.js <command>');
  if (findBrowser() === undefined) {
    const problem = install();
    if (problem !== null) {
      console.error(problem);
      return LACKING;
    }
  }
  const env = { ...process.env, DUROXIDE_BROWSER: findBrowser() };
  const { status, error } = spawnSync(file, args, { stdio: 'inherit', env });
  if (error) console.error(error.message);
  return status ?? 1;
}

if (require.main === module) process.exitCode = main();

module.exports = { findBrowser };
