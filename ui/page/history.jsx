import { clock, exact, visible } from './format.mjs';
import { Failure, InstanceLink, Nothing, Payload } from './parts.jsx';
import { useSelected } from './router.mjs';

const LABELS = {
  fireAtMs: 'due',
  sessionId: 'session',
};

function Facts({ of }) {
  const shown = Object.entries(of ?? {}).filter(([name]) => name !== 'name');
  return shown.map(([name, value]) => (
    <span key={name} class="fact">
      {LABELS[name] ?? name}:{' '}
      {name === 'instance' ? (
        <InstanceLink id={value} />
      ) : name.endsWith('Ms') && value > 1e11 ? (
        <time dateTime={exact(value)} title={exact(value)}>
          {clock(value)}
        </time>
      ) : (
        visible(value)
      )}
    </span>
  ));
}

function Content({ of }) {
  return (
    <>
      <Facts of={of.facts} />
      {Object.entries(of.values ?? {}).map(([name, value]) => (
        <Payload key={name} of={value} label={name} />
      ))}
      <Failure of={of.failure} place={of.place} />
    </>
  );
}

function Row({ of, isSelected }) {
  return (
    <tr id={`event-${of.eventId}`} class={isSelected ? 'selected' : ''}>
      <td>
        <a
          href={`#event-${of.eventId}`}
          aria-label={`Event ${of.eventId}, show it in the timeline`}
        >
          {of.eventId}
        </a>
      </td>
      <td>
        <time dateTime={exact(of.at)} title={exact(of.at)}>
          {clock(of.at)}
        </time>
      </td>
      <td>{of.kind}</td>
      <td>{of.name && visible(of.name)}</td>
      <td>
        {of.source !== undefined && (
          <a class="fact" href={`#event-${of.source}`}>
            of {of.source}
          </a>
        )}
        <Content of={of} />
      </td>
    </tr>
  );
}

export function History({ events }) {
  const selected = useSelected();
  if (events.length === 0) return <Nothing>Nothing is recorded yet.</Nothing>;
  return (
    <table class="history">
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">At</th>
          <th scope="col">Kind</th>
          <th scope="col">Name</th>
          <th scope="col">Content</th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <Row key={event.eventId} of={event} isSelected={event.eventId === selected} />
        ))}
      </tbody>
    </table>
  );
}
