'use strict';

const { pushLong } = require('./frame.js');

/**
 * The kinds of records and their fields. Mirrors bridge/message.go, name by name; docs/protocol.md
 * describes them, lib/native.d.ts gives the types.
 */

const KIND = Object.freeze({
  run: 1,
  drop: 2,
  activity: 3,
  cancel: 4,
  settle: 5,
  log: 6,
  ended: 7,
  runAnswer: 16,
  activityAnswer: 17,
  request: 18,
});

const FLAG_OPEN = 1;
const FLAG_LOCATE = 2;
const FLAG_LONG_NAMES = 4;
const FLAG_STRICT_VALUES = 8;
const FLAG_OK = 1;
const FLAG_RETURNED = 2;
const FLAG_POLICY = 1;
const FLAG_HEARTBEAT = 2;
const FLAG_RETRIES = 4;
const FLAG_ASKS = 8;
const FLAG_ABANDONED = 1;
/** What a delivery brings. */
const BRINGS_RESULT = 1;
const BRINGS_QUESTION = 2;
const MAX_INT = 0xffffffff;
const OUTCOME_NONE = 0;
const OUTCOME_RETURNED = 1;
const OUTCOME_THREW = 2;
const OUTCOME_STOPPED = 3;

/** @typedef {InstanceType<typeof import('./frame.js').FrameReader>} FrameReader */
/** @typedef {InstanceType<typeof import('./frame.js').FrameWriter>} FrameWriter */

/** @param {FrameReader} r */
function readRun(r) {
  /** @type {import('./native').RunRecord} */
  const record = {
    token: r.token,
    runtime: r.int(),
    word: r.int(),
    resident: r.long(),
    replaySteps: r.int(),
    locate: (r.flags & FLAG_LOCATE) !== 0,
    open: null,
    deliveries: new Array(r.int()),
  };
  if (r.flags & FLAG_OPEN) record.open = readOpening(r);
  for (let i = 0; i < record.deliveries.length; i++) {
    const token = r.long();
    const brings = r.int();
    record.deliveries[i] = {
      token,
      ok: brings === BRINGS_RESULT,
      asks: brings === BRINGS_QUESTION,
      value: r.string(),
      details: r.string(),
      timeMs: 0,
    };
  }
  if (record.open !== null) record.open.startedMs = r.long();
  for (const delivery of record.deliveries) delivery.timeMs = r.long();
  return record;
}

/** @param {FrameReader} r */
function readOpening(r) {
  const execution = r.long();
  const rules = r.int();
  const values = new Array(r.int());
  const open = {
    instance: r.string(),
    life: r.string(),
    execution,
    name: r.string(),
    version: r.string(),
    input: r.string(),
    customStatus: r.optionalString(),
    schedule: r.optionalString(),
    headers: r.string(),
    longNames: (r.flags & FLAG_LONG_NAMES) !== 0,
    strictValues: (r.flags & FLAG_STRICT_VALUES) !== 0,
    rules,
    startedMs: 0,
    values,
    patches: new Map(),
  };
  for (let i = 0; i < values.length; i++) values[i] = [r.string(), r.string(), r.long()];
  for (let n = r.int(); n > 0; n--) open.patches.set(r.string(), r.int() === 1);
  return open;
}

/** @param {FrameReader} r */
function readDrop(r) {
  return { runtime: r.int(), resident: r.token };
}

/** @param {FrameReader} r */
function readActivity(r) {
  const hasPolicy = (r.flags & FLAG_POLICY) !== 0;
  return {
    token: r.token,
    runtime: r.int(),
    word: r.int(),
    execution: r.long(),
    id: r.long(),
    life: [r.int(), r.int(), r.int(), r.int()],
    resident: r.long(),
    action: r.long(),
    attempt: r.int(),
    failed: hasPolicy ? r.long() : 0,
    instance: r.string(),
    orchestration: r.string(),
    version: r.string(),
    activity: r.string(),
    input: r.string(),
    workerId: r.string(),
    session: r.optionalString(),
    tag: r.optionalString(),
    headers: r.string(),
    policy: hasPolicy ? r.string() : null,
    last: hasPolicy ? r.optionalString() : null,
    heartbeat: (r.flags & FLAG_HEARTBEAT) !== 0 ? r.string() : null,
  };
}

/** @param {FrameReader} r */
function readCancel(r) {
  const abandoned = (r.flags & FLAG_ABANDONED) !== 0;
  return { token: r.token, runtime: r.int(), reason: r.string(), abandoned };
}

/** The names of the levels, by number. */
const LEVEL_NAMES = ['debug', 'info', 'warn', 'error', 'trace'];

/** @param {FrameReader} r */
function readLog(r) {
  const runtime = r.int();
  const level = LEVEL_NAMES[r.int()];
  const target = r.string();
  const message = r.string();
  return { runtime, level, message, fields: { target, ...JSON.parse(r.string()) } };
}

/** @param {FrameReader} r */
function readEnded(r) {
  return { runtime: r.int(), about: r.string() };
}

/**
 * @param {FrameReader} r
 * @returns {import('./native').Settlement}
 */
function readSettle(r) {
  if (r.flags & FLAG_OK) {
    const value = r.string();
    return { ok: true, value: value ? JSON.parse(value) : null, payload: r.optionalString() };
  }
  const code = r.string();
  const message = r.string();
  const details = r.string();
  return { ok: false, code, message, details: details ? JSON.parse(details) : null };
}

/**
 * @param {FrameWriter} writer
 * @param {number} token
 * @param {import('./native').RunAnswer} answer
 */
function writeRunAnswer(writer, token, { steps, outcome, located }) {
  const ints = [outcomeNumber(outcome), steps.length];
  /** @type {(string | null | undefined)[]} */
  const strings = [];
  for (const actions of steps) {
    ints.push(actions.length);
    for (const action of actions) {
      pushAction(action, ints, strings);
      if (located) strings.push(action.location);
    }
  }
  if (outcome?.ok) strings.push(outcome.output);
  else if (outcome) strings.push(outcome.message, outcome.details ?? '');
  writer.write(KIND.runAnswer, located ? FLAG_LOCATE : 0, token, ints, strings);
}

/** @param {import('./native').Outcome | null} outcome */
function outcomeNumber(outcome) {
  if (!outcome) return OUTCOME_NONE;
  if (outcome.ok) return OUTCOME_RETURNED;
  return outcome.isStop ? OUTCOME_STOPPED : OUTCOME_THREW;
}

/**
 * @param {import('./native').Action} action
 * @param {number[]} ints
 * @param {(string | null | undefined)[]} strings
 */
function pushAction(action, ints, strings) {
  ints.push(action.kind);
  pushLong(ints, action.token ?? 0);
  pushLong(ints, action.delayMs ?? 0);
  strings.push(
    action.name,
    action.input,
    action.value,
    action.version,
    action.instance,
    action.session,
    action.tag,
  );
}

/**
 * @param {FrameWriter} writer
 * @param {number} token
 * @param {import('./native').ActivityAnswer} answer
 */
function writeActivityAnswer(writer, token, answer) {
  if ('returned' in answer) {
    writer.write(KIND.activityAnswer, FLAG_RETURNED, token, [], []);
    return;
  }
  const took = [Math.min(Math.ceil(answer.tookUs ?? 0), MAX_INT)];
  if (answer.ok) {
    writer.write(KIND.activityAnswer, FLAG_OK, token, took, [answer.value]);
  } else {
    const { message, details, next } = answer;
    if (next) pushLong(took, next.pauseMs);
    const flags = !next ? 0 : next.asks ? FLAG_ASKS : FLAG_RETRIES;
    writer.write(KIND.activityAnswer, flags, token, took, [message, details ?? '']);
  }
}

/**
 * @param {FrameWriter} writer
 * @param {number} operation
 * @param {string} name
 * @param {string} args JSON text
 * @param {string | null | undefined} payload
 */
function writeRequest(writer, operation, name, args, payload) {
  writer.write(KIND.request, 0, operation, [], [name, args, payload]);
}

module.exports = {
  KIND,
  readActivity,
  readCancel,
  readDrop,
  readEnded,
  readLog,
  readRun,
  readSettle,
  writeActivityAnswer,
  writeRequest,
  writeRunAnswer,
};
