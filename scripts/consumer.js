'use strict';

/**
 * Somebody else's project, which uses the packed packages: an empty folder, and a PATH on which there
 * are Node and npm and neither Go nor a compiler nor make.
 */

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./prepare.js');

/** The first workflow of the README, which runs from beginning to end. */
function firstWorkflow() {
  const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const found = readme.match(/```js\n(const \{ Client, Runtime, SqliteProvider \}[\s\S]*?)```/);
  if (found === null) throw new Error('README.md has no first workflow');
  return found[1];
}

const FIRST_OUTPUT = 'Completed Hello, Ada!\n';

/** The same, as other kinds of modules write it. @returns {Record<string, string>} */
function programs() {
  const text = firstWorkflow();
  const module = text.replace(
    /^const (\{.*\}) = require\('duroxide'\);/,
    "import $1 from 'duroxide';",
  );
  const typed = module
    .replaceAll('(ctx, name)', '(ctx: any, name: string)')
    .replace('waitForOrchestration(', 'waitForOrchestration<string>(');
  return { 'first.cjs': text, 'first.mjs': module, 'first.ts': typed, 'first.mts': typed };
}

/** How TypeScript finds types; each must find ours without skipping the check of libraries. */
const RESOLUTIONS = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

/** Makes a folder with nothing but a project that asks for nothing. @param {string} folder */
function makeProject(folder) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "name": "shop", "private": true }\n');
  for (const [name, text] of Object.entries(programs())) {
    fs.writeFileSync(path.join(folder, name), text);
  }
}

/** The words of a PATH without tools that build. @param {string} folder */
function withoutTools(folder) {
  const programs = path.join(folder, '.bin-of-node');
  fs.mkdirSync(programs, { recursive: true });
  const own = path.dirname(process.execPath);
  for (const name of ['node', 'npm', 'npx']) {
    const file = path.join(
      own,
      process.platform === 'win32' && name !== 'node' ? `${name}.cmd` : name,
    );
    const link = path.join(programs, path.basename(file));
    if (fs.existsSync(file) && !fs.existsSync(link)) fs.symlinkSync(file, link);
  }
  // What shells and package managers themselves need, and no compiler.
  for (const name of ['sh', 'env', 'uname', 'sed', 'basename', 'dirname', 'readlink']) {
    const file = path.join('/bin', name);
    const link = path.join(programs, name);
    if (fs.existsSync(file) && !fs.existsSync(link)) fs.symlinkSync(file, link);
  }
  return programs;
}

/** The environment of the project: nothing of ours, and no tools. @param {string} folder */
function environment(folder) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|DUROXIDE_|DATABASE_URL$|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/i.test(name),
  );
  return { ...Object.fromEntries(kept), PATH: withoutTools(folder), NO_COLOR: '1' };
}

/**
 * Runs a command in the project, without blocking: a registry may have to answer it.
 *
 * @param {string} folder
 * @param {string[]} command
 * @param {NodeJS.ProcessEnv} [more]
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string }>}
 */
function runIn(folder, [file, ...args], more = {}) {
  return new Promise((resolve, reject) => {
    const env = { ...environment(folder), ...more };
    const child = spawn(file, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs npm in the project. @param {string} folder @param {string[]} args */
function npmIn(folder, args) {
  const own = process.env.npm_execpath;
  const npm = own?.endsWith('.js') ? [process.execPath, own] : ['npm'];
  // A cache of its own: what was fetched for another test is not fetched here.
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier'];
  return runIn(folder, [...npm, ...args, ...quiet, '--cache', path.join(folder, '.npm')]);
}

/**
 * Checks the program in TypeScript against the installed types.
 *
 * @param {string} folder
 * @param {{ module: string, moduleResolution: string }} resolution
 * @param {string[]} [files]
 */
function typeCheck(folder, { module, moduleResolution }, files = ['first.ts', 'first.mts']) {
  const compilerOptions = {
    ...{ module, moduleResolution, target: 'es2022', strict: true, noEmit: true },
    ...{
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [path.join(ROOT, 'node_modules', '@types')],
    },
  };
  const name = `tsconfig.${moduleResolution}.json`;
  const text = JSON.stringify({ compilerOptions, files });
  fs.writeFileSync(path.join(folder, name), text);
  const compiler = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  return runIn(folder, [process.execPath, compiler, '-p', name]);
}

module.exports = {
  FIRST_OUTPUT,
  RESOLUTIONS,
  firstWorkflow,
  makeProject,
  npmIn,
  runIn,
  typeCheck,
};
