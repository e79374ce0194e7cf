'use strict';

/** What went wrong, as clients are told: a status, a code and a sentence; never a stack. */
class Problem extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {object} [more] */
  constructor(status, code, message, more) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }
}

/** The status of each code of the package that people may meet here. @type {Record<string, number>} */
const STATUS = {
  CANCELLED: 409,
  CANNOT_REPAIR: 409,
  CLOSED: 503,
  CORRUPT: 503,
  DISK_FULL: 503,
  EXECUTION_NOT_FOUND: 404,
  INSTANCE_ENDED: 409,
  INSTANCE_EXISTS: 409,
  INSTANCE_NOT_FOUND: 404,
  INVALID_INPUT: 400,
  INVALID_STATE: 409,
  IS_SUB_ORCHESTRATION: 409,
  LIMIT_EXCEEDED: 400,
  ORPHANED_CHILD: 409,
  READ_ONLY: 403,
  SCHEMA: 503,
  SHUTDOWN: 503,
  STILL_RUNNING: 409,
  STORAGE: 503,
  STORE_REPLACED: 503,
  TIMEOUT: 504,
  TOO_LARGE: 400,
  WOULD_UNDO: 409,
};

/**
 * Asks the client of the package, and makes what it throws into a problem. Other errors are faults of
 * this package, whose texts are nobody's business.
 *
 * @template T
 * @param {() => Promise<T>} ask
 * @returns {Promise<T>}
 */
async function asked(ask) {
  try {
    return await ask();
  } catch (thrown) {
    const error = /** @type {any} */ (thrown);
    const status = STATUS[error?.code];
    if (status !== undefined) {
      const details = error.code === 'WOULD_UNDO' ? { details: error.details } : undefined;
      throw new Problem(status, error.code, error.message, details);
    }
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new Problem(400, 'INVALID_INPUT', error.message);
    }
    throw error;
  }
}

/**
 * What is told of anything that was thrown.
 *
 * @param {unknown} thrown
 * @param {(error: unknown) => void} onFault is told of what nobody expects
 */
function problemOf(thrown, onFault) {
  if (thrown instanceof Problem) return thrown;
  onFault(thrown);
  return new Problem(500, 'INTERNAL', 'the page met a fault; the application has its description');
}

module.exports = { Problem, asked, problemOf };
