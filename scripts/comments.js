'use strict';

const fs = require('node:fs');
const path = require('node:path');
const acorn = require('acorn');

/**
 * Takes the comments out of a file of JavaScript. Lines stay where they are, so that a place in a
 * stack is the same in the package and in the repository.
 *
 * @param {string} text
 */
function withoutComments(text) {
  let result = '';
  let from = 0;
  acorn.parse(text, {
    ecmaVersion: 'latest',
    allowHashBang: true,
    onComment(_isBlock, comment, start, end) {
      result += `${text.slice(from, start)} ${comment.replace(/[^\n]/g, '')}`;
      from = end;
    },
  });
  return result + text.slice(from);
}

/**
 * Takes the comments out of all JavaScript in a folder: they are for readers of the repository, and
 * a third of what users would download.
 *
 * @param {string} folder
 */
function removeComments(folder) {
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(folder, name);
    if (name.endsWith('.js')) {
      fs.writeFileSync(file, withoutComments(fs.readFileSync(file, 'utf8')));
    }
  }
}

module.exports = { removeComments };
