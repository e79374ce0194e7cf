import { useLive } from './api.mjs';
import { number, visible } from './format.mjs';
import { Ago, Link, Loading, Nothing, Problem } from './parts.jsx';

function Row({ of, total }) {
  const params = { name: of.name, version: of.version ?? undefined, status: 'Running' };
  const isMissing = of.runtimes === 0;
  return (
    <tr>
      <th scope="row">{visible(of.name)}</th>
      <td>
        {of.version === null ? 'not chosen yet' : visible(of.version)}{' '}
        {of.isLatest && <span class="status active">latest</span>}
      </td>
      <td class={isMissing ? 'bad' : ''}>
        {isMissing ? 'none that lives' : `${number(of.runtimes)} of ${number(total)}`}
      </td>
      <td>
        <Link to="instances" params={params}>
          {number(of.running)}
        </Link>
      </td>
      <td class={of.held > 0 ? 'bad' : ''}>{number(of.held)}</td>
      <td>{of.oldestAt !== null && <Ago at={of.oldestAt} />}</td>
      <td>
        {of.patches.map((patch) => (
          <div key={patch.name}>
            {visible(patch.name)}: {number(patch.answeredTrue)} true, {number(patch.answeredFalse)}{' '}
            false, {number(patch.notAsked)} not asked
          </div>
        ))}
      </td>
    </tr>
  );
}

export function Versions() {
  const { data, problem } = useLive('versions');
  if (data === null) return <Loading problem={problem} />;
  return (
    <>
      <h1>Versions</h1>
      <Problem problem={problem} />
      {data.versions.length === 0 ? (
        <Nothing>No runtime lives on this store, and nothing runs.</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Orchestration</th>
              <th scope="col">Version</th>
              <th scope="col">Runtimes that have it</th>
              <th scope="col">Instances that run</th>
              <th scope="col">Of these held</th>
              <th scope="col">The oldest</th>
              <th scope="col">Patches</th>
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
    </>
  );
}
