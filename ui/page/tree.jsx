import { useOnce } from './api.mjs';
import { InstanceLink, Loading, Status } from './parts.jsx';

function Node({ of, byParent }) {
  const children = byParent.get(of.instanceId) ?? [];
  return (
    <li>
      <InstanceLink id={of.instanceId} /> <Status of={of} />
      {children.length > 0 && (
        <ul>
          {children.map((child) => (
            <Node key={child.instanceId} of={child} byParent={byParent} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** An instance and all that lives below it. */
export function Tree({ id, count, version }) {
  const { data, problem } = useOnce('tree', { id }, version);
  const byParent = new Map();
  for (const node of data?.nodes ?? []) {
    const siblings = byParent.get(node.parentInstanceId) ?? [];
    byParent.set(node.parentInstanceId, [...siblings, node]);
  }
  return (
    <section aria-labelledby="children">
      <h2 id="children">Children: {count}</h2>
      {data === null ? (
        <Loading problem={problem} />
      ) : (
        <ul class="tree">
          <Node of={data.nodes[0]} byParent={byParent} />
        </ul>
      )}
      {data?.hasMore && <p class="note">There are more than are listed here.</p>}
    </section>
  );
}
