import { useState } from 'preact/hooks';
import { useLive, useOnce } from './api.mjs';
import { bytes, number, visible } from './format.mjs';
import { Ago, Facts, Link, Loading, Nothing, Payload, Problem } from './parts.jsx';

function Groups({ of }) {
  if (of.length === 0) return <Nothing>Nothing would be deleted.</Nothing>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Orchestration</th>
          <th scope="col">Status</th>
          <th scope="col">Would go</th>
          <th scope="col">Oldest</th>
        </tr>
      </thead>
      <tbody>
        {of.map(({ name, status, instances, oldestAt }) => (
          <tr key={`${name} ${status}`}>
            <th scope="row">
              <Link to="instances" params={{ name, status }}>
                {visible(name)}
              </Link>
            </th>
            <td>{status}</td>
            <td>{number(instances)}</td>
            <td>
              <Ago at={oldestAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Preview({ policy }) {
  const { data, problem } = useOnce('retention', policy, 0);
  if (data === null) return <Loading problem={problem} />;
  const { deleted } = data;
  return (
    <>
      <Problem problem={problem} />
      <Facts
        of={[
          ['Would go now', `${number(data.instances)} root instances`],
          ['Policy', data.policy && <Payload of={{ text: JSON.stringify(data.policy) }} />],
          [
            'Deleted so far',
            deleted &&
              `${number(deleted.instances)} instances, ${number(deleted.executions)} executions`,
          ],
          ['Last pass', data.lastPassAt && <Ago at={data.lastPassAt} />],
        ]}
      />
      {data.policy === null && (
        <Nothing>No runtime deletes by itself: say for how long, to see what would go.</Nothing>
      )}
      <Groups of={data.groups} />
    </>
  );
}

const FIELDS = [
  ['completed', 'Completed, older than'],
  ['failed', 'Failed, older than'],
  ['maxInstances', 'Ended instances, at most'],
];

function Retention() {
  const [draft, setDraft] = useState({});
  const [policy, setPolicy] = useState({});
  const show = (event) => {
    event.preventDefault();
    setPolicy(draft);
  };
  return (
    <section aria-labelledby="retention">
      <h2 id="retention">Retention: what would be deleted</h2>
      <form class="filters" onSubmit={show} aria-label="Another policy">
        {FIELDS.map(([name, label]) => (
          <label key={name}>
            {label}
            <input
              value={draft[name] ?? ''}
              placeholder={name === 'maxInstances' ? '10000' : '30d'}
              onInput={(event) => setDraft((last) => ({ ...last, [name]: event.target.value }))}
            />
          </label>
        ))}
        <button type="submit" class="main">
          Preview
        </button>
      </form>
      <Preview key={JSON.stringify(policy)} policy={policy} />
    </section>
  );
}

export function Storage() {
  const { data, problem } = useLive('storage');
  if (data === null) return <Loading problem={problem} />;
  const { metrics, queues, sizeBytes } = data;
  return (
    <>
      <h1>Storage</h1>
      <Problem problem={problem} />
      <Facts
        of={[
          ['Size', sizeBytes === null ? undefined : sizeBytes > 0 ? bytes(sizeBytes) : 'in memory'],
          ['Instances', number(metrics.totalInstances)],
          ['Executions', number(metrics.totalExecutions)],
          ['Events', number(metrics.totalEvents)],
          ['Messages for code', number(queues.orchestratorQueue)],
          ['Activities', number(queues.workerQueue)],
          ['Due later', number(queues.timerQueue)],
        ]}
      />
      <Retention />
    </>
  );
}
