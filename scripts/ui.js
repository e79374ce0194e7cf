'use strict';

/**
 * The page of `@duroxide/ui`: `node scripts/ui.js` makes ui/assets of ui/page, in a tenth of a second. The
 * package has them, so that nobody builds anything to use it.
 */

const fs = require('node:fs');
const path = require('node:path');
const esbuild = require('esbuild');
const { ROOT } = require('./prepare.js');

const SOURCES = path.join(ROOT, 'ui', 'page');

/** Files that are not those of scripts. */
const COPIED = ['icon.svg'];

/** Makes the assets in a folder. @param {string} [folder] */
function buildPage(folder = path.join(ROOT, 'ui', 'assets')) {
  const made = esbuild.buildSync({
    entryPoints: {
      page: path.join(SOURCES, 'main.jsx'),
      'sign-in': path.join(SOURCES, 'sign-in.js'),
      style: path.join(SOURCES, 'page.css'),
    },
    outdir: folder,
    bundle: true,
    write: false,
    format: 'esm',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    legalComments: 'none',
  });
  fs.mkdirSync(folder, { recursive: true });
  for (const { path: file, contents } of made.outputFiles) {
    put(path.join(folder, path.basename(file).replace('style.css', 'page.css')), contents);
  }
  for (const name of COPIED)
    put(path.join(folder, name), fs.readFileSync(path.join(SOURCES, name)));
  return folder;
}

/** Writes a file at once: others may read it, or make the same. @param {string} file @param {Uint8Array} bytes */
function put(file, bytes) {
  const own = `${file}.${process.pid}`;
  fs.writeFileSync(own, bytes);
  fs.renameSync(own, file);
}

if (require.main === module) buildPage();

module.exports = { buildPage };
