'use strict';

const check = require('../check.js');
const { DuroxideError } = require('../errors.js');
const { takeApart } = require('../export.js');
const { Rehearsal } = require('../rehearsal.js');

const OPTIONS = { strict: check.boolean };

/** @param {string} text @param {unknown} code @param {unknown} [options] */
async function replay(text, code, options) {
  const { strict = true } = check.options('options', options, OPTIONS);
  const { instanceId: instance, executions } = takeApart(check.string('history', text));
  const rehearsal = new Rehearsal(code);
  const found = [];
  try {
    for (const execution of executions) {
      const result = await rehearsal.try('replay', { instance, strict }, execution);
      if (result.missing !== undefined) throw noCode(result.missing);
      if (result.divergence !== null) return { ok: false, ...result.divergence };
      found.push(...result.differences);
    }
    return strict ? { ok: true } : { ok: true, differences: found };
  } finally {
    rehearsal.close();
  }
}

/** @param {{ name: string, version: string }} missing */
function noCode({ name, version }) {
  return new DuroxideError(`there is no code for '${name}' version '${version}'`, {
    code: 'INVALID_INPUT',
  });
}

module.exports = { replay };
