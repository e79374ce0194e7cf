'use strict';

/** How what deletes old instances is called. There is one of it in a store. */

const ORCHESTRATION = '__duroxide_retention';
const INSTANCE = ORCHESTRATION;
/** The queue in which runtimes say what they want kept. */
const QUEUE = ORCHESTRATION;
/** The activity that looks which runtimes live. */
const LIVING = '__duroxide_living_runtimes';
/** The activities that delete: without keeping a copy, and with what keeps one, where there is that. */
const SWEEP = '__duroxide_sweep';
const SWEEP_ARCHIVING = '__duroxide_sweep_archiving';
/** The value that shows what is deleted, and what was. */
const STATE_KEY = 'state';

module.exports = { INSTANCE, LIVING, ORCHESTRATION, QUEUE, STATE_KEY, SWEEP, SWEEP_ARCHIVING };
