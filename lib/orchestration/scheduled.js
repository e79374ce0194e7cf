'use strict';

/**
 * Gives what a schedule has told an instance that it has started; null for others. A schedule itself has
 * unread messages of its own, which say no tick.
 *
 * @param {import('../native').Opening} opening
 * @returns {Readonly<{ id: string, tick: number, manual: boolean }> | null}
 */
function scheduleOf({ schedule }) {
  const told = schedule === null ? null : JSON.parse(schedule);
  if (typeof told?.tick !== 'number') return null;
  return Object.freeze({ id: told.id, tick: told.tick, manual: told.manual });
}

module.exports = { scheduleOf };
