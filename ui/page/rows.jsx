import { visible } from './format.mjs';
import { InstanceLink, Status, Time } from './parts.jsx';

/** Rows of instances, for several pages. */
export function InstanceRows({ of, chosen, onChoose }) {
  return (
    <table>
      <thead>
        <tr>
          {onChoose && (
            <th scope="col">
              <input
                type="checkbox"
                aria-label="Choose all of this page"
                checked={of.length > 0 && of.every(({ instanceId }) => chosen.has(instanceId))}
                onChange={(event) =>
                  onChoose(
                    of.map(({ instanceId }) => instanceId),
                    event.target.checked,
                  )
                }
              />
            </th>
          )}
          <th scope="col">Instance</th>
          <th scope="col">Status</th>
          <th scope="col">Orchestration</th>
          <th scope="col">Version</th>
          <th scope="col">Created</th>
          <th scope="col">Updated</th>
        </tr>
      </thead>
      <tbody>
        {of.map((each) => (
          <tr key={each.instanceId}>
            {onChoose && (
              <td>
                <input
                  type="checkbox"
                  aria-label={`Choose ${each.instanceId}`}
                  checked={chosen.has(each.instanceId)}
                  onChange={(event) => onChoose([each.instanceId], event.target.checked)}
                />
              </td>
            )}
            <td>
              <InstanceLink id={each.instanceId} />
            </td>
            <td>
              <Status of={each} />
            </td>
            <td>{visible(each.orchestrationName)}</td>
            <td>{visible(each.orchestrationVersion ?? '')}</td>
            <td>
              <Time at={each.createdAt} />
            </td>
            <td>
              <Time at={each.updatedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
