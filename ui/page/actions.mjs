/** What can be done, and what is asked before. */

const REASON = { name: 'reason', label: 'Reason', isBulk: true };
const DATA = { name: 'data', label: 'Data (JSON)', type: 'json', hint: 'Empty for none.' };

const said = (what) => () => what;

export const CANCEL = {
  name: 'cancel',
  label: 'Cancel',
  about:
    'Its code may clean up, where it was registered with time for that. Its children end, too.',
  fields: [
    REASON,
    {
      name: 'graceMs',
      label: 'Time to clean up (ms)',
      type: 'number',
      hint: 'Empty: as registered.',
      isBulk: true,
    },
  ],
  done: said('The cancellation is stored.'),
};

export const TERMINATE = {
  name: 'terminate',
  label: 'Terminate',
  about: 'It ends at once, whatever its code says, and its children are cancelled.',
  fields: [REASON],
  isHard: true,
  done: said('The termination is stored.'),
};

export const RETRY = {
  name: 'retry',
  label: 'Retry',
  about:
    'Its failure is taken back, and it goes on with the code of today: what failed last runs again, under the same id.',
  fields: [
    REASON,
    {
      name: 'parents',
      label: 'Also its parents that failed because of it',
      type: 'check',
      isBulk: true,
    },
  ],
  done: ({ instances }) =>
    `${instances.length === 1 ? 'It goes' : `${instances.length} instances go`} on.`,
};

/** Back to an event: that which is chosen in the history, if one is. */
export const rewind = (execution, event) => ({
  name: 'rewind',
  label: 'Rewind',
  about:
    'Everything after the event is forgotten, and it goes on from there with the code of today. What was called since is called again.',
  fields: [
    { name: 'event', label: 'The last event that stays', type: 'number', required: true },
    REASON,
    { name: 'acceptUndo', label: 'What its code did since may be forgotten', type: 'check' },
  ],
  fixed: { execution },
  initial: event === null ? {} : { event: String(event) },
  isHard: true,
  done: said('It goes on from there.'),
});

export const RAISE = {
  name: 'raise',
  label: 'Raise event',
  about: 'A signal for whoever waits for it now. It is lost where nobody does.',
  fields: [{ name: 'name', label: 'Event', required: true }, DATA],
  done: said('The event is stored.'),
};

export const ENQUEUE = {
  name: 'enqueue',
  label: 'Enqueue message',
  about: 'A message is kept until it is taken.',
  fields: [
    { name: 'name', label: 'Queue', required: true },
    DATA,
    {
      name: 'idempotencyKey',
      label: 'Idempotency key',
      hint: 'A second message with the same key is not sent.',
    },
  ],
  done: ({ duplicate }) =>
    duplicate ? 'It was sent before: nothing was sent now.' : 'The message is stored.',
};

export const DELETE = {
  name: 'delete',
  label: 'Delete',
  about: 'The instance, its children and their histories are gone for good, and its id is free.',
  fields: [{ name: 'force', label: 'Also if it still runs', type: 'check', isBulk: true }],
  isHard: true,
  done: ({ instancesDeleted }) => `${instancesDeleted} deleted.`,
};

export const PRUNE = {
  name: 'prune',
  label: 'Delete old executions',
  about: 'Histories of executions that have continued as new are deleted; the current one stays.',
  fields: [{ name: 'keepLast', label: 'Keep the last', type: 'number' }],
  initial: { keepLast: '1' },
  isHard: true,
  done: ({ executionsDeleted }) => `${executionsDeleted} executions deleted.`,
};

/** What can be done to an instance, as it is. */
export function actionsOf({ status, held, parentInstanceId, currentExecutionId }, selected) {
  const isRunning = status === 'Running';
  const isRoot = parentInstanceId === undefined;
  return [
    ...(isRunning ? [RAISE, ENQUEUE, CANCEL, TERMINATE] : []),
    ...(status === 'Failed' || held ? [RETRY] : []),
    rewind(currentExecutionId, selected),
    PRUNE,
    ...(isRoot ? [DELETE] : []),
  ];
}

const NOTE = { name: 'reason', label: 'Note' };

export const PAUSE = {
  name: 'pauseSchedule',
  label: 'Pause',
  about: 'Nothing is started but by hand. Ticks of the pause are not made up for.',
  fields: [NOTE],
  done: said('It is paused.'),
};

export const RESUME = {
  name: 'resumeSchedule',
  label: 'Resume',
  about: 'It starts again with the next tick.',
  fields: [NOTE],
  done: said('It goes on.'),
};

export const TRIGGER = {
  name: 'triggerSchedule',
  label: 'Run now',
  about: 'Starts a run at once, whatever else runs.',
  fields: [
    { name: 'input', label: 'Input (JSON)', type: 'json', hint: 'Empty: that of the schedule.' },
  ],
  done: ({ instanceId }) => `Started ${instanceId}.`,
};

export const BACKFILL = {
  name: 'backfillSchedule',
  label: 'Backfill',
  about: 'Starts the ticks of a time that nothing was started for, one after another.',
  fields: [
    { name: 'from', label: 'From', type: 'time', required: true },
    { name: 'to', label: 'Before', type: 'time', required: true },
  ],
  done: ({ ticks }) => `${ticks} ticks will be started.`,
};

export const DELETE_SCHEDULE = {
  name: 'deleteSchedule',
  label: 'Delete',
  about: 'The schedule is gone; what it has started goes on.',
  fields: [{ name: 'cancelRuns', label: 'Also cancel its runs', type: 'check' }],
  isHard: true,
  done: said('It is deleted.'),
};
