'use strict';

const { age, size, span, when } = require('../output.js');
const { onStore, storeCommand } = require('../store.js');
const { EXIT } = require('../usage.js');

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function health(program, context) {
  storeCommand(program, 'health', 'says which runtimes live, and which work waits longest')
    .option('--check', 'ends with code 1 where there is work that no living runtime can take')
    .action((options) =>
      onStore(options, async ({ client, out }) => {
        const found = await client.getHealth();
        out.result(found, () => tellHealth(found, out));
        if (options.check && found.unserved.length > 0) context.exit(EXIT.failed);
      }),
    );
}

/**
 * @param {import('duroxide').Health} found
 * @param {import('../output.js').Out} out
 */
function tellHealth({ runtimes, waiting, sizeBytes }, out) {
  out.title(`runtimes (${runtimes.length})`);
  out.table(
    ['host', 'process', 'service', 'engine', 'instances', 'activities', 'started', 'seen'],
    runtimes.map(runtimeRow),
  );
  out.line();
  out.title('what waits longest');
  out.table(['kind', 'name', 'version', 'tag', 'for', 'state', 'instance'], waiting.map(workRow));
  out.line();
  out.fields({ size: size(sizeBytes) });
}

/** @param {import('duroxide').RuntimeInfo} runtime */
function runtimeRow({ host, pid, serviceName, serviceVersion, engineVersion, load, ...rest }) {
  const { instances, activities, blockedMs } = load;
  const running = `${activities} of ${rest.workerConcurrency}`;
  const blocked = blockedMs > 0 ? `, blocked for ${span(blockedMs)}` : '';
  const service = `${serviceName} ${serviceVersion}`.trim();
  const times = [when(rest.startedAt), `${age(rest.seenAt)} ago${blocked}`];
  return [host, pid, service, engineVersion, instances, running, ...times];
}

/** @param {import('duroxide').WaitingWork} work */
function workRow({ kind, name, version, tag, since, state, instanceId }) {
  return [kind, name, version, tag, age(since), state, instanceId];
}

module.exports = { health, tellHealth };
