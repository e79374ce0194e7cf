'use strict';

const { when } = require('../output.js');
const { readStore, storeCommand } = require('../store.js');

/** @param {import('commander').Command} program */
function versions(program) {
  const summary = 'counts the instances that have not ended by version';
  storeCommand(program, 'versions [orchestration]', summary).action((name, options) =>
    readStore(options, async ({ client, out }) => {
      const found = await client.versionsInUse(...(name === undefined ? [] : [name]));
      out.result(found, () => {
        out.table(
          ['orchestration', 'version', 'running', 'held', 'oldest', 'runtimes'],
          found.map((row) => [
            row.name,
            row.version,
            row.running,
            row.held,
            when(row.oldestAt),
            row.runtimes,
          ]),
        );
        const asked = found.flatMap((row) =>
          row.patches.map((patch) => [
            row.name,
            row.version,
            patch.name,
            patch.answeredTrue,
            patch.answeredFalse,
            patch.notAsked,
          ]),
        );
        if (asked.length === 0) return;
        out.line('');
        out.table(['orchestration', 'version', 'patch', 'true', 'false', 'not asked'], asked);
      });
    }),
  );
}

module.exports = { versions };
