'use strict';

const codec = require('../codec.js');
const { unseal } = require('../envelope.js');
const { DuroxideError, RejectedError } = require('../errors.js');
const { activityError, errorOf, orchestrationError } = require('../failure.js');
const { encodeDecision, revive } = require('../thrown.js');
const { KEPT_FAILURES, classOfText } = require('./rules.js');

/**
 * One scheduled action and its result. The numbers of the kinds mirror engine/replay/action.go.
 */

/** @typedef {import('./descriptor.js').Descriptor} Descriptor */
/** @typedef {{ ok: true, value: any } | { ok: false, error: any }} Outcome */
/** @typedef {import('../native').Delivery} Delivery */
/** @typedef {{ receive(index: number, outcome: Outcome): void }} Receiver */
/**
 * What a context needs of its execution.
 *
 * @typedef {{
 *   isRunning: boolean, isReplaying: boolean, stepMs: number,
 *   values: InstanceType<typeof import('./values.js').Values>,
 *   emit(asked: Action): void,
 *   patched(name: string): boolean,
 *   promise(): number,
 *   trace(level: number, said: import('../traced.js').Traced): void,
 * }} Host
 */

const KIND = Object.freeze({
  activity: 1,
  timer: 2,
  waitEvent: 3,
  dequeue: 4,
  subOrchestration: 5,
  startOrchestration: 6,
  continueAsNew: 7,
  setCustomStatus: 8,
  setValue: 9,
  clearValue: 10,
  clearValues: 11,
  syscall: 12,
  drop: 13,
  cleanupFailed: 14,
  inline: 20,
  send: 25,
  makePromise: 26,
  patch: 40,
  tryAgain: 45,
  giveUp: 46,
});

/** After these the engine may have an answer that comes first. @type {Set<number>} */
const ANSWERED_EARLY = new Set([
  KIND.waitEvent,
  KIND.dequeue,
  KIND.syscall,
  KIND.continueAsNew,
  KIND.giveUp,
]);

/**
 * Makes an action. All actions have all fields, null where the kind has none.
 *
 * @param {number} kind
 * @param {Partial<Action>} [fields]
 * @returns {Action}
 *
 * @typedef {{
 *   kind: number, token: number, name: string | null, input: string | null,
 *   value: string | null, version: string | null, instance: string | null,
 *   session: string | null, tag: string | null, delayMs: number, location: string | null,
 * }} Action
 */
function action(kind, fields = {}) {
  return {
    kind,
    token: 0,
    name: fields.name ?? null,
    input: fields.input ?? null,
    value: fields.value ?? null,
    version: fields.version ?? null,
    instance: fields.instance ?? null,
    session: fields.session ?? null,
    tag: fields.tag ?? null,
    delayMs: fields.delayMs ?? 0,
    location: null,
  };
}

/** @param {Descriptor} d */
const child = (d) =>
  action(KIND.subOrchestration, {
    name: d.name,
    input: d.input,
    version: d.version || null,
    instance: d.instanceId,
  });

/** @param {Descriptor} d */
const detached = (d) =>
  action(KIND.startOrchestration, {
    name: d.name,
    input: d.input,
    version: d.version || null,
    instance: d.instanceId,
  });

/** A start that a schedule decides. @param {Descriptor} d */
const scheduled = (d) =>
  action(KIND.startOrchestration, {
    name: d.name,
    input: d.input,
    version: d.version,
    instance: d.instanceId,
    value: d.schedule,
  });

/** @param {Descriptor} d */
const successor = (d) => action(KIND.continueAsNew, { input: d.input, version: d.version || null });

/**
 * What each type of descriptor asks the engine for. Types that are built of others are not here.
 *
 * @type {Record<string, (d: Descriptor) => Action>}
 */
const actions = {
  activity: (d) =>
    action(KIND.activity, {
      name: d.name,
      input: d.input,
      // An empty session means none.
      session: d.sessionId || null,
      tag: d.tag,
      value: d.policy,
    }),
  inline: (d) => action(KIND.inline, { name: d.name }),
  timer: (d) => action(KIND.timer, { delayMs: Math.min(d.delayMs, Number.MAX_SAFE_INTEGER) }),
  timerAt: (d) => action(KIND.timer, { value: String(d.atMs) }),
  waitEvent: (d) => action(KIND.waitEvent, { name: d.name }),
  dequeueEvent: (d) => action(KIND.dequeue, { name: d.queueName }),
  newGuid: () => action(KIND.syscall, { name: 'newGuid' }),
  utcNow: () => action(KIND.syscall, { name: 'utcNow' }),
  decide: (d) => action(KIND.syscall, { name: 'decide', value: d.value }),
  getValueFromInstance: (d) =>
    action(KIND.syscall, { name: 'getKvValue', instance: d.instanceId, value: d.key }),
  getStatus: (d) => action(KIND.syscall, { name: 'getStatus', instance: d.instanceId }),
  subOrchestration: child,
  subOrchestrationWithId: child,
  subOrchestrationVersioned: child,
  subOrchestrationVersionedWithId: child,
  orchestration: detached,
  orchestrationVersioned: detached,
  scheduledStart: scheduled,
  continueAsNew: successor,
  continueAsNewVersioned: successor,
};
const ACTIONS = new Map(Object.entries(actions));

/** A leaf: an action with a token, waiting for its delivery. */
class Handle {
  /**
   * @param {Receiver} parent
   * @param {number} index the place of this handle in its parent
   * @param {Descriptor} descriptor
   * @param {Action} asked
   * @param {number} rules
   */
  constructor(parent, index, descriptor, asked, rules) {
    this.parent = parent;
    this.index = index;
    this.kind = asked.kind;
    this.token = asked.token;
    this.rules = rules;
    this.retryIf = descriptor.retryIf;
    /** Makes what code gets of a message. @type {Function | undefined} */
    this.received = descriptor.received;
    /** The code of an inline activity. @type {Function | null} */
    this.fn = descriptor.fn ?? null;
    /** Which attempt of an inline activity it is. @type {import('../native').InlineAttempt | undefined} */
    this.attempt = descriptor.attempt;
    this.typed = descriptor._typed === true && TYPED_KINDS.has(asked.kind);
    /** An answered or dropped handle is settled: nothing more comes of it. */
    this.settled = false;
    this.children = NONE;
    /** Why the code was stopped that waits for it. @type {InstanceType<typeof import('./stopping.js').Stop> | null} */
    this.why = null;
  }

  /**
   * Decides whether a failed attempt was the last one. What the decision throws is the outcome.
   *
   * @param {Delivery} delivery
   * @returns {Action}
   */
  decide(delivery) {
    try {
      const error = failure(this.kind, delivery, this.rules);
      const again = this.retryIf === undefined || this.retryIf(error);
      return { ...action(again ? KIND.tryAgain : KIND.giveUp), token: this.token };
    } catch (error) {
      const { message, details } = encodeDecision(error);
      return { ...action(KIND.giveUp, { input: message, value: details }), token: this.token };
    }
  }

  /**
   * Reads what a delivery brings.
   *
   * @param {Delivery} delivery
   * @returns {Outcome}
   */
  read(delivery) {
    const outcome = this.#read(delivery);
    if (this.why === null) return outcome;
    const cause = outcome.ok ? { output: outcome.value } : outcome.error;
    return { ok: false, error: this.why.because(cause) };
  }

  /**
   * @param {Delivery} delivery
   * @returns {Outcome}
   */
  #read(delivery) {
    if (!delivery.ok) return { ok: false, error: failure(this.kind, delivery, this.rules) };
    if (this.kind === KIND.dequeue) {
      const { data, envelope } = unseal(delivery.value);
      const value = codec.decode(data);
      return { ok: true, value: this.received?.(value, envelope.request) ?? value };
    }
    const value = codec.decode(delivery.value);
    return { ok: true, value: this.typed ? codec.decodeAgain(value) : value };
  }
}

/** @type {readonly never[]} */
const NONE = Object.freeze([]);

/** The typed methods parse results of these twice, not events. @type {Set<number>} */
const TYPED_KINDS = new Set([KIND.activity, KIND.subOrchestration]);

/**
 * Makes the error that code catches.
 *
 * @param {number} kind
 * @param {Delivery} delivery
 * @param {number} rules
 */
function failure(kind, { value: message, details }, rules) {
  const told = details ? /** @type {any} */ (codec.decode(details)) : null;
  if (kind === KIND.activity) {
    return told?.thrown?.decision ? revive(told.thrown) : activityError(message, told);
  }
  if (kind === KIND.inline) return activityError(message, told);
  if (kind === KIND.makePromise) return errorOf(RejectedError, message, told);
  if (kind !== KIND.subOrchestration) return errorOf(DuroxideError, message, told);
  if (rules < KEPT_FAILURES) return errorOf(classOfText(message), message, told);
  return orchestrationError(message, told);
}

module.exports = { KIND, ANSWERED_EARLY, ACTIONS, NONE, Handle, action };
