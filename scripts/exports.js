'use strict';

/** Finds names that a file of lib/, cli/, ui/server/ or opentelemetry/ exports and nobody uses. */

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./prepare.js');

/** What is public is used by others, and knows its own names: the type tests compare them. */
const ENTRIES = ['duroxide.js', 'testing/testing.js', 'checking/checking.js'].map((entry) =>
  path.join('lib', entry),
);
const USERS = ['bin', 'lib', 'cli', 'ui', 'opentelemetry', '__tests__', 'bench', 'scripts'];

/** @param {string} folder @returns {string[]} */
function scriptsBelow(folder) {
  const names = fs.readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.js')).map((name) => path.join(folder, name));
}

/** @param {string} text @returns {string[]} */
function exportedNames(text) {
  const list = text.match(/^module\.exports = \{([^}]*)\}/m)?.[1] ?? '';
  return list
    .split(',')
    .map(
      (entry) =>
        entry
          .replace(/\/\/.*$/gm, '')
          .trim()
          .split(':')[0],
    )
    .filter((name) => /^[\w$]+$/.test(name));
}

const texts = new Map(
  USERS.flatMap(scriptsBelow).map((file) => [file, fs.readFileSync(path.join(ROOT, file), 'utf8')]),
);
let unused = 0;
for (const [file, text] of texts) {
  if (!/^(lib|cli|ui.server|opentelemetry)\b/.test(file) || ENTRIES.includes(file)) continue;
  const others = [...texts].filter(
    ([other, otherText]) => other !== file && otherText.includes(path.basename(file)),
  );
  for (const name of exportedNames(text)) {
    const use = new RegExp(`\\b${name.replaceAll('$', '\\$')}\\b`);
    if (others.some(([, otherText]) => use.test(otherText))) continue;
    console.error(`${file} exports ${name}, which nobody uses`);
    unused += 1;
  }
}
console.log(`exports: ${unused} unused`);
process.exitCode = unused === 0 ? 0 : 1;
