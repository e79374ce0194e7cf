'use strict';

const fs = require('node:fs');
const path = require('node:path');
const esbuild = require('esbuild');
const { minify_sync } = require('terser');
const { dependencies, engines } = require('../package.json');
const { ROOT } = require('./prepare.js');

/**
 * The code of the main package as it is published: one file for all of lib/, without what only readers
 * of the repository need. It is a third smaller than the files, and loads as fast.
 */

/** That file, in lib/. lib/here.js knows its name. */
const BUNDLE = 'packed.js';

/** The files of lib/ that are asked for from outside, and stay where they are. */
const ENTRIES = ['duroxide.js', 'testing/testing.js', 'checking/checking.js', 'command-line.js'];

/**
 * Gives an entry to its stub. All are loaded together: code that is asked for on demand stands in functions of
 * its own, which take more bytes and more time than what they save.
 *
 * @param {string} entry
 * @param {number} at
 */
const given = (entry, at) =>
  `import * as entry${at} from './${entry}'; exports[${JSON.stringify(entry)}] = entry${at};`;

/**
 * What stands in place of an entry. Its names are written out, because that is how Node.js finds what
 * an ES module may import by name.
 *
 * @param {string} entry
 */
function stub(entry) {
  const names = Object.keys(require(path.join(ROOT, 'lib', entry))).join(', ');
  const bundle = path.posix.relative(path.posix.dirname(`lib/${entry}`), `lib/${BUNDLE}`);
  const from = bundle.startsWith('.') ? bundle : `./${bundle}`;
  return `'use strict';
const { ${names} } = require('${from}')[${JSON.stringify(entry)}];
module.exports = { ${names} };
`;
}

/** Lets classes keep their names, which users see, where all names are made short. @param {string} file */
function nameClasses(file) {
  const text = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, text.replace(/^class (\w+)[^{]*\{/gm, "$& static name = '$1';"));
}

/** What a file exports that is one thing. */
const ONE_EXPORT = /^(?:module\.exports =|export default) (\w+);$/m;

/**
 * Makes an ES module of a file whose imports and exports are written as ours are: names that no object carries
 * from file to file are made short, and the files become one, which is an eighth of the whole.
 *
 * @param {string} file
 */
function makeModule(file) {
  const text = fs.readFileSync(file, 'utf8');
  const RENAMED = /(\w+): (\w+)/g;
  const isOne = (/** @type {string} */ from) =>
    ONE_EXPORT.test(fs.readFileSync(path.resolve(path.dirname(file), from), 'utf8'));
  const made = text
    .replace("'use strict';\n", '')
    .replace(
      /^const (\{[^}]*\}) = require\(('\.[^']+\.js')\);/gm,
      (_, names, from) => `import ${names.replace(RENAMED, '$1 as $2')} from ${from};`,
    )
    .replace(
      /^const (\w+) = require\('(\.[^']+\.js)'\);/gm,
      (_, name, from) => `import ${isOne(from) ? name : `* as ${name}`} from '${from}';`,
    )
    .replace(
      /^module\.exports = (\{[\w\s,:]*\});/m,
      (_, names) => `export ${names.replace(RENAMED, '$2 as $1')};`,
    )
    .replace(ONE_EXPORT, 'export default $1;');
  if (/^(module\.exports|exports\.)/m.test(made)) throw new Error(`${file} exports in another way`);
  fs.writeFileSync(file, made);
}

/**
 * Writes each paragraph of the comments in one line, with the marks around where it is the only one: editors break
 * them where they show them, and what they are wrapped with is a hundredth of the package.
 *
 * @param {string} file of types
 */
function unwrapComments(file) {
  const text = fs.readFileSync(file, 'utf8');
  const unwrapped = text.replace(/(?<=^ +\* .*[^\n])\n +\* (?=[\w`'(])/gm, ' ');
  fs.writeFileSync(file, unwrapped.replace(/\/\*\*\n +\* (.*)\n +\*\//g, '/** $1 */'));
}

/** Writes out what code reads of the description of its package, so that not all of it comes along. @param {string} file */
function writeOutManifest(file) {
  const { name, version } = require(path.join(path.dirname(file), '..', 'package.json'));
  const text = fs.readFileSync(file, 'utf8');
  const known = JSON.stringify({ name, version });
  fs.writeFileSync(file, text.replaceAll("require('../package.json')", known));
}

/**
 * Makes a bundle smaller once more, by a fortieth: names that are used once, and what follows from that. It stays
 * code in strict mode, which its files are written for.
 *
 * @param {string} file
 */
function minifyAgain(file) {
  const { code } = minify_sync(fs.readFileSync(file, 'utf8'), {
    module: true,
    toplevel: true,
    compress: { passes: 2 },
  });
  fs.writeFileSync(file, `'use strict';${code}`);
}

/** Makes one file of all code in a lib/ folder. @param {string} lib */
function bundle(lib) {
  for (const name of fs.readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue;
    if (path.dirname(name) === '.') writeOutManifest(path.join(lib, name));
    nameClasses(path.join(lib, name));
    makeModule(path.join(lib, name));
  }
  const outfile = path.join(lib, BUNDLE);
  esbuild.buildSync({
    stdin: { contents: ENTRIES.map(given).join('\n'), resolveDir: lib },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: `node${/\d+\.\d+/.exec(engines.node)?.[0]}`,
    external: Object.keys(dependencies),
    minify: true,
    legalComments: 'none',
  });
  minifyAgain(outfile);
  for (const name of fs.readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.js') && name !== BUNDLE) fs.rmSync(path.join(lib, name));
  }
  for (const entry of ENTRIES) fs.writeFileSync(path.join(lib, entry), stub(entry));
  removeEmpty(lib);
}

/** @param {string} folder */
function removeEmpty(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmpty(path.join(folder, entry.name));
  }
  if (fs.readdirSync(folder).length === 0) fs.rmdirSync(folder);
}

module.exports = { bundle, unwrapComments };
