'use strict';

/**
 * Text of a store as a terminal may show it: what would steer it, or turn around what stands beside it, is
 * written out.
 *
 * @param {string} text
 */
function visible(text) {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${/** @type {number} */ (c.codePointAt(0)).toString(16)}}`,
  );
}

module.exports = { visible };
