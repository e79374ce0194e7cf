'use strict';

/**
 * An orchestration that undoes what it did when it is cancelled. As a program, `graced.js PLACE`, it is the
 * process that dies: its compensation says 'undoing' and never ends.
 */

const { Runtime } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');

/** Longer than any test takes. */
const GRACE_MS = 600_000;

/** @param {Runtime} runtime @param {(ctx: object, what: string) => unknown} undo */
function registerGraced(runtime, undo) {
  runtime.registerActivity('Undo', undo);
  runtime.registerOrchestration(
    'Graced',
    function* (ctx) {
      const saga = ctx.saga();
      saga.add(() => ctx.scheduleActivity('Undo', 'first'));
      function* branch() {
        try {
          yield ctx.waitForEvent('never');
        } finally {
          yield ctx.scheduleActivity('Undo', 'branch');
        }
      }
      try {
        ctx.setCustomStatus('waiting');
        yield ctx.all([branch(), ctx.scheduleTimer('1h')]);
      } catch (error) {
        yield* saga.compensate();
        throw error;
      }
    },
    { cancelGraceMs: GRACE_MS },
  );
}

async function main() {
  const store = await open(JSON.parse(process.argv[2]));
  const runtime = new Runtime(store, { logLevel: 'off' });
  registerGraced(runtime, () => {
    console.log('undoing');
    return new Promise(() => {});
  });
  await runtime.start();
  console.log('ready');
}

if (require.main === module) main();

module.exports = { registerGraced };
