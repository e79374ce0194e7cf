'use strict';

const { age, size, when } = require('../output.js');
const { readStore, storeCommand } = require('../store.js');
const { visible } = require('../visible.js');
const { linesOf } = require('../waits.js');
const { stateOf } = require('./list.js');

/** @param {import('commander').Command} program */
function describe(program) {
  storeCommand(program, 'describe <id>', 'says what an instance is, and what it waits for').action(
    (id, options) =>
      readStore(options, async ({ client, out }) => {
        out.result(await client.describe(id), (found) => tell(found, out));
      }),
  );
}

/**
 * @param {import('duroxide').InstanceDescription} found
 * @param {import('../output.js').Out} out
 */
function tell(found, out) {
  const { instanceId, orchestrationName, orchestrationVersion, createdAt, updatedAt } = found;
  out.fields({
    instance: instanceId,
    orchestration: `${orchestrationName} ${orchestrationVersion ?? '(not begun)'}`,
    status: stateOf(found),
    execution: found.currentExecutionId,
    created: when(createdAt),
    updated: `${when(updatedAt)}, ${age(updatedAt)} ago`,
    parent: found.parentInstanceId,
    output: found.output,
    error: found.error,
    ...holdFields(found.hold),
    ...cancelFields(found.cancelling),
    ...sizeFields(found),
  });
  if (found.waitingFor.length === 0) return;
  out.line();
  out.title('waits for');
  for (const line of linesOf(found.waitingFor)) out.line(line);
  if (found.hasMore) out.line('  and more');
}

/** @param {import('duroxide').Hold | undefined} hold */
function holdFields(hold) {
  if (hold === undefined) return {};
  const { reason, place, eventId, since, codeIds } = hold;
  const at = place === undefined ? '' : ` at ${place}`;
  return {
    held: `since ${when(since)}, event ${eventId}${at}: ${reason}`,
    'by code': codeIds.join(', '),
  };
}

/** @param {import('duroxide').Cancelling | undefined} cancelling */
function cancelFields(cancelling) {
  if (cancelling === undefined) return {};
  const { reason, since, until } = cancelling;
  return { cancelling: `since ${when(since)}, until ${when(until)}: ${reason}` };
}

/** @param {import('duroxide').InstanceDescription} found */
function sizeFields({ sizes, children, childCount }) {
  const { historyEvents, historyBytes, messages, keys, valueBytes } = sizes;
  const rest = childCount > children.length ? `, and ${childCount - children.length} more` : '';
  return {
    history: `${historyEvents} events, ${size(historyBytes)}`,
    messages: messages || undefined,
    values: keys > 0 ? `${keys} keys, ${size(valueBytes)}` : undefined,
    children: childCount > 0 ? `${children.map(visible).join(', ')}${rest}` : undefined,
  };
}

module.exports = { describe };
