'use strict';

const { retentionCode } = require('./retention/code.js');
const { scheduleCode } = require('./schedules/code.js');

/**
 * Gives the orchestrations and activities that are the package's own, as the options of a runtime want them.
 *
 * @param {{ schedules?: boolean, retention?: { archive?: Function } }} [options]
 */
function ownCode({ schedules = true, retention } = {}) {
  return [...(schedules ? scheduleCode() : []), ...retentionCode(retention?.archive)];
}

module.exports = { ownCode };
