'use strict';

const { asking, confirm, signed } = require('../confirm.js');
const { when } = require('../output.js');
const { onStore, readStore, storeCommand } = require('../store.js');
const { count, jsonValue } = require('../values.js');
const { visible } = require('../visible.js');

/** @typedef {import('commander').Command} Command */

/** @param {Command} program */
function schedules(program) {
  const group = program
    .command('schedules')
    .summary('lists and operates schedules')
    .description('Lists and operates schedules.')
    .helpCommand(false);
  list(group);
  describe(group);
  for (const add of [pause, resume, trigger, remove]) add(group);
}

/** @param {Command} group */
function list(group) {
  storeCommand(group, 'list', 'lists schedules, newest first')
    .option('--limit <n>', 'the most to list', count)
    .option('--before <id>', 'goes on behind a page: its last id')
    .option('--id-prefix <text>', 'those whose id begins like this')
    .action((options) =>
      readStore(options, async ({ client, out }) => {
        const { limit, before, idPrefix } = options;
        const given = Object.entries({ limit, before, idPrefix }).filter(
          ([, v]) => v !== undefined,
        );
        const found = await client.listSchedules(Object.fromEntries(given));
        out.result(found, () => {
          out.table(['id', 'stage', 'when', 'orchestration', 'next', 'last'], found.map(row));
        });
      }),
    );
}

/** @param {import('duroxide').ScheduleSummary} schedule */
function row({ scheduleId, stage, definition, next, last }) {
  const lately = last === undefined ? undefined : `${last.decision} ${when(last.decidedAt)}`;
  const { orchestration } = definition ?? {};
  return [scheduleId, stage, ticksOf(definition), nameOf(orchestration), when(next?.due), lately];
}

/** @param {any} orchestration a name, or what registering gave */
function nameOf(orchestration) {
  return orchestration?.name ?? orchestration;
}

/** @param {any} definition */
function ticksOf({ cron, every, at, timeZone } = /** @type {any} */ ({})) {
  if (cron !== undefined) {
    const zone = timeZone === undefined ? '' : ` ${timeZone}`;
    return `${[cron].flat().join(' or ')}${zone}`;
  }
  if (every !== undefined) return `every ${JSON.stringify(every)}`;
  return at === undefined
    ? undefined
    : `at ${[at]
        .flat()
        .map((t) => when(Date.parse(t)) ?? t)
        .join(', ')}`;
}

/** @param {Command} group */
function describe(group) {
  storeCommand(group, 'describe <id>', 'says all about a schedule').action((id, options) =>
    readStore(options, async ({ client, out }) => {
      out.result(await client.describeSchedule(id), (found) => {
        const { scheduleId, stage, definition, createdAt, waitsFor, nextTicks, paused, error } =
          found;
        out.fields({
          schedule: scheduleId,
          stage,
          when: ticksOf(definition),
          orchestration: nameOf(definition?.orchestration),
          created: when(createdAt),
          paused: paused && `since ${when(paused.since)}: ${paused.note}`,
          'waits for': waitsFor,
          next: nextTicks.slice(0, 3).map(when).join(', ') || undefined,
          running: found.running.map(visible).join(', ') || undefined,
          note: definition?.note,
          error,
        });
        out.line();
        out.title('last runs');
        out.table(
          ['instance', 'decision', 'status', 'when', 'reason'],
          found.lastRuns.map((run) => [
            ...[run.instanceId, run.decision, run.status, when(run.decidedAt)],
            run.error ?? run.reason,
          ]),
        );
      });
    }),
  );
}

/** @param {Command} group */
function pause(group) {
  storeCommand(group, 'pause <id>', 'starts nothing more, until it is resumed')
    .option('--reason <text>', 'why, which is shown')
    .action((id, options) =>
      onStore(options, async ({ client, out }) => {
        await client.pauseSchedule(id, signed(options.reason));
        out.result({ scheduleId: id, done: 'paused' }, () => out.line(`${visible(id)} is paused`));
      }),
    );
}

/** @param {Command} group */
function resume(group) {
  storeCommand(group, 'resume <id>', 'ends a pause')
    .option('--reason <text>', 'why, which is logged')
    .action((id, options) =>
      onStore(options, async ({ client, out }) => {
        await client.resumeSchedule(id, signed(options.reason));
        out.result({ scheduleId: id, done: 'resumed' }, () => out.line(`${visible(id)} goes on`));
      }),
    );
}

/** @param {Command} group */
function trigger(group) {
  storeCommand(group, 'trigger <id> [input]', 'starts a run at once')
    .addHelpText('after', '\nThe input is JSON, @file or -; without it, that of the schedule.')
    .action((id, text, options) => {
      const input = jsonValue(text, 'input');
      return onStore(options, async ({ client, out }) => {
        const instanceId = await client.triggerSchedule(id, input === undefined ? {} : { input });
        out.result({ scheduleId: id, instanceId }, () =>
          out.line(`started ${visible(instanceId)}`),
        );
      });
    });
}

/** @param {Command} group */
function remove(group) {
  const command = storeCommand(group, 'delete <id>', 'deletes a schedule').option(
    '--cancel-runs',
    'ends what it has started, too',
  );
  asking(command).action((id, options) =>
    onStore(options, async ({ client, out }) => {
      const runs = options.cancelRuns ? ', and cancel its runs' : '';
      if (!(await confirm(options, `delete the schedule${runs}`, [id]))) return;
      await client.deleteSchedule(id, { cancelRuns: options.cancelRuns ?? false });
      out.result({ scheduleId: id, done: 'deleted' }, () => out.line(`deleted ${visible(id)}`));
    }),
  );
}

module.exports = { schedules };
