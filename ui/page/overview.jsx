import { useLive } from './api.mjs';
import { bytes, duration, number, rate, visible } from './format.mjs';
import { Ago, InstanceLink, Link, Loading, Nothing, Problem } from './parts.jsx';
import { RuntimeTable } from './runtimes.jsx';

function Tile({ name, value, note, children }) {
  return (
    <div class="tile">
      <h2>{name}</h2>
      <p class="value">{children ?? value}</p>
      {note && <p class="note">{note}</p>}
    </div>
  );
}

/** A store of many takes a while to count them. */
function counted(count) {
  return count === undefined ? '…' : number(count);
}

function Tiles({ data: { counts, queues, rates, durations, health } }) {
  const [oldest] = health?.waiting ?? [];
  const per = rates === null ? '' : `over the last ${rates.seconds} s`;
  return (
    <div class="tiles">
      <Tile name="Running">
        <Link to="instances" params={{ status: 'Running' }}>
          {counted(counts?.Running)}
        </Link>
      </Tile>
      <Tile name="Completed" note={rates && `${rate(rates.completed)} a minute, ${per}`}>
        <Link to="instances" params={{ status: 'Completed' }}>
          {counted(counts?.Completed)}
        </Link>
      </Tile>
      <Tile name="Failed" note={rates && `${rate(rates.failed)} a minute, ${per}`}>
        <Link to="instances" params={{ status: 'Failed' }}>
          {counted(counts?.Failed)}
        </Link>
      </Tile>
      <Tile
        name="Start to end, p50 and p99"
        value={durations ? `${duration(durations.p50)} · ${duration(durations.p99)}` : 'none yet'}
        note={durations && `of the ${durations.count} started last that have completed`}
      />
      <Tile
        name="Backlog"
        value={number(queues.orchestratorQueue + queues.workerQueue)}
        note={`${number(queues.orchestratorQueue)} for code, ${number(queues.workerQueue)} for activities, ${number(queues.timerQueue)} due later`}
      />
      <Tile name="Oldest ready work" note={oldest && `${oldest.kind} ${visible(oldest.name)}`}>
        {oldest ? <Ago at={oldest.since} /> : 'none'}
      </Tile>
      {health && (
        <Tile name="Store" value={health.sizeBytes > 0 ? bytes(health.sizeBytes) : 'in memory'} />
      )}
    </div>
  );
}

const WHY = {
  'no-code': 'no runtime that lives has registered it',
  'no-worker': 'no runtime takes its tag or session',
};

function unservedItem({ kind, name, version, tag, state, instanceId, since }) {
  const what = `${name}${version ? ` ${version}` : ''}${tag ? `, tag ${tag}` : ''}`;
  const who = kind === 'code' ? 'The orchestration' : 'The activity';
  const text = `${who} ${visible(what)}: ${WHY[state]}`;
  return { key: `${kind} ${what}`, text, id: instanceId, since };
}

function blockedItem({ id, host, pid, load }) {
  const where = `process ${pid} on ${visible(host)}`;
  const text = `The JavaScript thread of ${where} was blocked for ${duration(load.blockedMs)}`;
  return { key: id, text, to: 'runtimes' };
}

function failedItem({ instanceId, orchestrationName, updatedAt }) {
  const text = `${visible(orchestrationName)} has failed`;
  return { key: instanceId, text, id: instanceId, since: updatedAt };
}

function attention({ health, failed, counts }) {
  const { runtimes = [], unserved = [] } = health ?? {};
  const isAlone = health !== null && runtimes.length === 0 && counts?.Running > 0;
  return [
    ...(isAlone
      ? [{ key: 'none', text: 'No runtime lives: nothing goes on', to: 'runtimes' }]
      : []),
    ...unserved.map(unservedItem),
    ...runtimes.filter(({ load }) => load.blockedMs > 0).map(blockedItem),
    ...failed.map(failedItem),
  ];
}

function Attention({ data }) {
  const items = attention(data);
  if (items.length === 0) return <Nothing>Nothing needs attention.</Nothing>;
  return (
    <ul class="attention">
      {items.map(({ key, text, id, to, since }) => (
        <li key={key}>
          {text}
          {id && (
            <>
              {': '}
              <InstanceLink id={id} />
            </>
          )}
          {to && (
            <>
              {': '}
              <Link to={to}>look there</Link>
            </>
          )}
          {since && (
            <span class="note">
              {' '}
              since <Ago at={since} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

export function Overview() {
  const { data, problem } = useLive('overview');
  if (data === null) return <Loading problem={problem} />;
  return (
    <>
      <h1>Overview</h1>
      <Problem problem={problem} />
      <Tiles data={data} />
      <section aria-labelledby="attention">
        <h2 id="attention">Needs attention</h2>
        <Attention data={data} />
      </section>
      <section aria-labelledby="runtimes">
        <h2 id="runtimes">Runtimes</h2>
        {data.health ? (
          <RuntimeTable of={data.health.runtimes} />
        ) : (
          <Nothing>{data.reason}</Nothing>
        )}
      </section>
    </>
  );
}
