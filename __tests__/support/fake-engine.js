'use strict';

const { Turns } = require('../../lib/orchestration/turn.js');
const { KIND } = require('../../lib/orchestration/handle.js');
const { NEWEST_RULES } = require('../../lib/orchestration/rules.js');

const KIND_NAMES = Object.fromEntries(Object.entries(KIND).map(([name, kind]) => [kind, name]));

/**
 * The engine's side of a run, for tests of orchestration code without an engine: it opens one
 * execution, delivers what a test says, and keeps what the code asked for.
 */
class FakeEngine {
  /**
   * @param {GeneratorFunction} code
   * @param {{ input?: string, customStatus?: string | null, values?: [string, string, number][],
   *   execution?: number, startedMs?: number, rules?: number, deliveries?: object[],
   *   replaySteps?: number }} [opening]
   */
  constructor(code, opening = {}) {
    this.traces = [];
    this.turns = new Turns({
      find: (name) => (name === 'Test' ? code : undefined),
      trace: (token, step, level, message) => this.traces.push({ token, step, level, message }),
    });
    this.outcome = null;
    this.steps = [];
    this.runs = 0;
    this.open = {
      instance: 'i-1',
      life: '',
      execution: opening.execution ?? 1,
      name: 'Test',
      version: '1.0.0',
      input: opening.input ?? 'null',
      customStatus: opening.customStatus ?? null,
      longNames: false,
      strictValues: false,
      schedule: null,
      headers: '',
      rules: opening.rules ?? NEWEST_RULES,
      startedMs: opening.startedMs ?? 1000,
      values: opening.values ?? [],
    };
    this.run({
      open: this.open,
      deliveries: opening.deliveries ?? [],
      replaySteps: opening.replaySteps ?? 0,
    });
  }

  run({ open = null, deliveries = [], replaySteps = 0 }) {
    this.runs++;
    const record = { token: this.runs, runtime: 1, resident: 7, replaySteps, open, deliveries };
    const answer = this.turns.run(record);
    this.steps.push(...answer.steps);
    this.outcome = answer.outcome;
    return answer;
  }

  /** Delivers a JSON value, as JSON text. */
  ok(token, value, timeMs) {
    return this.run({ deliveries: [delivered(token, value, timeMs)] });
  }

  fail(token, message, details = '') {
    return this.run({
      deliveries: [{ token, ok: false, value: message, details, timeMs: 1000 }],
    });
  }

  /** The actions of a step, shortly: `activity 1 A`, `drop 1` … */
  asked(step = this.steps.length - 1) {
    return this.steps[step].map((action) =>
      [KIND_NAMES[action.kind], action.token || null, action.name].filter(Boolean).join(' '),
    );
  }

  /** What the code returned. It fails if the code threw or is not done. */
  get result() {
    if (!this.outcome?.ok) throw new Error(`no result: ${JSON.stringify(this.outcome)}`);
    return JSON.parse(this.outcome.output);
  }
}

function delivered(token, value, timeMs = 1000) {
  return { token, ok: true, value: JSON.stringify(value), details: '', timeMs };
}

module.exports = { FakeEngine, delivered };
