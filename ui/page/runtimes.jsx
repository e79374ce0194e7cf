import { useLive } from './api.mjs';
import { duration, number, visible } from './format.mjs';
import { Ago, InstanceLink, Loading, Nothing, Problem } from './parts.jsx';

function tagsOf(tags) {
  if (typeof tags === 'string') return tags;
  return visible((tags.tags ?? ['without a tag', ...tags.defaultAnd]).join(', '));
}

function Registered({ of }) {
  const orchestrations = Object.entries(of.orchestrations);
  return (
    <details>
      <summary>
        {orchestrations.length} orchestrations, {of.activities.length} activities
      </summary>
      <ul>
        {orchestrations.map(([name, versions]) => (
          <li key={name}>
            {visible(name)} {visible(versions.join(', '))}
          </li>
        ))}
      </ul>
      <ul>
        {of.activities.map((name) => (
          <li key={name}>{visible(name)}</li>
        ))}
      </ul>
    </details>
  );
}

export function RuntimeTable({ of }) {
  if (of.length === 0) return <Nothing>No runtime lives on this store.</Nothing>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Host and process</th>
          <th scope="col">Service</th>
          <th scope="col">Activities that run</th>
          <th scope="col">Instances in memory</th>
          <th scope="col">Thread</th>
          <th scope="col">Tags</th>
          <th scope="col">Has registered</th>
          <th scope="col">Started</th>
          <th scope="col">Wrote last</th>
        </tr>
      </thead>
      <tbody>
        {of.map((each) => (
          <tr key={each.id}>
            <td title={each.id}>
              {visible(each.host)}, {each.pid}
            </td>
            <td>
              {visible(each.serviceName)} {visible(each.serviceVersion)}
              <span class="note"> on duroxide {visible(each.engineVersion)}</span>
            </td>
            <td>
              {number(each.load.activities)} of {number(each.workerConcurrency)}
            </td>
            <td>{number(each.load.instances)}</td>
            <td>
              {each.load.blockedMs > 0 ? `blocked for ${duration(each.load.blockedMs)}` : 'answers'}
            </td>
            <td>{tagsOf(each.tags)}</td>
            <td>
              <Registered of={each} />
            </td>
            <td>
              <Ago at={each.startedAt} />
            </td>
            <td>
              <Ago at={each.seenAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const STATES = {
  queued: 'waits for a free slot',
  'no-code': 'no runtime that lives has registered it',
  'no-worker': 'no runtime takes its tag or session',
};

function Waiting({ of }) {
  if (of.length === 0) return <Nothing>No work waits.</Nothing>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Work</th>
          <th scope="col">State</th>
          <th scope="col">Waits longest</th>
          <th scope="col">Since</th>
        </tr>
      </thead>
      <tbody>
        {of.map((work) => (
          <tr key={`${work.kind} ${work.name} ${work.version} ${work.tag}`}>
            <td>
              {work.kind} {visible(work.name)} {visible(work.version ?? '')}
              {work.tag && <span class="note"> tag {visible(work.tag)}</span>}
            </td>
            <td class={work.state === 'queued' ? '' : 'bad'}>{STATES[work.state]}</td>
            <td>
              <InstanceLink id={work.instanceId} />
            </td>
            <td>
              <Ago at={work.since} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Runtimes() {
  const { data, problem } = useLive('runtimes');
  if (data === null) return <Loading problem={problem} />;
  return (
    <>
      <h1>Runtimes</h1>
      <Problem problem={problem} />
      {data.health === null ? (
        <Nothing>{data.reason}</Nothing>
      ) : (
        <>
          <RuntimeTable of={data.health.runtimes} />
          <section aria-labelledby="waiting">
            <h2 id="waiting">Work that waits</h2>
            <Waiting of={data.health.waiting} />
          </section>
        </>
      )}
    </>
  );
}
