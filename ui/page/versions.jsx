import { useLive } from './api.mjs';
import { number, visible } from './format.mjs';
import { Ago, InstanceLink, Link, Loading, Nothing, Problem } from './parts.jsx';

function Row({ of, total }) {
  const params = { name: of.name, version: of.version, status: 'Running' };
  return (
    <tr>
      <th scope="row">{visible(of.name)}</th>
      <td>
        {visible(of.version)} {of.isLatest && <span class="status active">latest</span>}
      </td>
      <td>
        {number(of.runtimes)} of {number(total)}
      </td>
      <td>
        <Link to="instances" params={params}>
          {number(of.running)}
          {of.hasMore && ' and more'}
        </Link>
      </td>
      <td class={of.held > 0 ? 'bad' : ''}>{of.held > 0 && number(of.held)}</td>
    </tr>
  );
}

function Missing({ of }) {
  if (of.length === 0) return <Nothing>No instance waits for code.</Nothing>;
  return (
    <ul>
      {of.map(({ name, version, instanceId, since }) => (
        <li key={`${name} ${version}`}>
          <span class="bad">
            {visible(name)} {visible(version ?? '')}
          </span>
          {': '}
          <InstanceLink id={instanceId} />{' '}
          <span class="note">
            since <Ago at={since} />
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Versions() {
  const { data, problem } = useLive('versions');
  if (data === null) return <Loading problem={problem} />;
  return (
    <>
      <h1>Versions</h1>
      <Problem problem={problem} />
      <section aria-labelledby="missing">
        <h2 id="missing">Code that is missing</h2>
        <Missing of={data.missing} />
      </section>
      <section aria-labelledby="registered">
        <h2 id="registered">Code that runtimes have registered</h2>
        {data.versions.length === 0 ? (
          <Nothing>No runtime lives on this store.</Nothing>
        ) : (
          <table>
            <thead>
              <tr>
                <th scope="col">Orchestration</th>
                <th scope="col">Version</th>
                <th scope="col">Runtimes that have it</th>
                <th scope="col">Instances that run</th>
                <th scope="col">Held</th>
              </tr>
            </thead>
            <tbody>
              {data.versions.map((each) => (
                <Row key={`${each.name} ${each.version}`} of={each} total={data.runtimes} />
              ))}
            </tbody>
          </table>
        )}
        {data.hasMore && <p class="note">There are more than are listed here.</p>}
      </section>
    </>
  );
}
