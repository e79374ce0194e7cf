'use strict';

const os = require('node:os');
const { span } = require('../output.js');
const { onStore, storeCommand } = require('../store.js');
const { EXIT } = require('../usage.js');

/** @typedef {{ ok: boolean, what: string, text: string }} Finding */

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function doctor(program, context) {
  const summary = 'looks at versions, the store, its migrations, clock and limits';
  storeCommand(program, 'doctor', summary)
    .addHelpText(
      'after',
      '\nExit codes: 0 all is well, 1 something is not, 4 the store does not open.',
    )
    .action((options) => onStore(options, (work) => run(work, context)));
}

/** How far clocks may differ before it is worth saying. */
const CLOCK_MS = 2000;
/** Which part of a limit may be used. */
const FULL = 0.9;
const LONG_TRANSACTION_S = 300;

/**
 * @param {import('../store.js').Work} work
 * @param {import('../program.js').Context} context
 */
async function run({ client, provider, out }, context) {
  const found = await provider.inspect();
  const health = await client.getHealth();
  const findings = [
    ...ofMigrations(found),
    ...ofClock(found),
    ...ofServer(found),
    ...ofRuntimes(health, found),
  ];
  const versions = {
    duroxide: require('duroxide/package.json').version,
    engine: found.engine,
    node: process.version,
    platform: `${process.platform} ${process.arch}, ${os.release()}`,
    store: `${found.kind} ${found.version}`,
  };
  const ok = findings.every((finding) => finding.ok);
  out.result({ ok, versions, ...found, sizeBytes: health.sizeBytes, findings }, () => {
    out.fields(versions);
    out.line();
    out.fields(Object.fromEntries(found.settings.map(({ name, value }) => [name, value])));
    out.line();
    for (const { ok: isWell, what, text } of findings) {
      out.line(
        `${isWell ? out.paint('ok   ', 'green') : out.paint('WRONG', 'red')}  ${what}: ${text}`,
      );
    }
  });
  if (!ok) context.exit(EXIT.failed);
}

/** @param {import('duroxide').StoreInspection} found @returns {Finding[]} */
function ofMigrations({ migrations: { applied, known } }) {
  const text = `${applied}, and this release has ${known}`;
  return [{ ok: true, what: 'migrations', text }];
}

/** @param {import('duroxide').StoreInspection} found @returns {Finding[]} */
function ofClock({ aheadMs }) {
  const direction = aheadMs >= 0 ? 'ahead of' : 'behind';
  const text = `that of the store is ${Math.round(Math.abs(aheadMs))} ms ${direction} this one`;
  return [{ ok: Math.abs(aheadMs) < CLOCK_MS, what: 'clock', text }];
}

/** @param {import('duroxide').StoreInspection} found @returns {Finding[]} */
function ofServer({ kind, settings }) {
  if (kind !== 'postgres') return [];
  const values = Object.fromEntries(settings.map(({ name, value }) => [name, value]));
  const [used, most] = [Number(values.connections), Number(values.max_connections)];
  const waiting = Number(values['waiting for locks']);
  const oldest = Number.parseInt(values['oldest transaction'], 10);
  return [
    { ok: used < FULL * most, what: 'connections', text: `${used} of ${most} are in use` },
    { ok: waiting === 0, what: 'locks', text: `${waiting} sessions wait for one` },
    {
      ok: oldest < LONG_TRANSACTION_S,
      what: 'transactions',
      text: `the oldest has lasted ${span(oldest * 1000)}`,
    },
    {
      ok: values.standby !== 'true',
      what: 'server',
      text: values.standby === 'true' ? 'a standby, which cannot be written' : 'can be written',
    },
  ];
}

/**
 * @param {import('duroxide').Health} health
 * @param {import('duroxide').StoreInspection} found
 * @returns {Finding[]}
 */
function ofRuntimes({ runtimes, unserved }, { engine }) {
  const others = [...new Set(runtimes.map(({ engineVersion }) => engineVersion))];
  const isSame = others.every((version) => version === engine);
  const blocked = runtimes.filter(({ load }) => load.blockedMs > 0);
  return [
    {
      ok: isSame,
      what: 'runtimes',
      text: `${runtimes.length} live${isSame ? '' : `, of ${others.join(', ')}`}`,
    },
    {
      ok: blocked.length === 0,
      what: 'event loops',
      text: `${blocked.length} of ${runtimes.length} are blocked`,
    },
    {
      ok: unserved.length === 0,
      what: 'work',
      text: `of ${unserved.length} kinds waits for a runtime that can take it`,
    },
  ];
}

module.exports = { doctor };
