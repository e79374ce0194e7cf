import { useState } from 'preact/hooks';
import { actionsOf } from './actions.mjs';
import { base, queryOf, useLive, useOnce } from './api.mjs';
import { Actions } from './dialog.jsx';
import { bytes, number, visible, waitText } from './format.mjs';
import { History } from './history.jsx';
import {
  Ago,
  Facts,
  Failure,
  InstanceLink,
  Link,
  Loading,
  Nothing,
  Payload,
  Problem,
  Status,
  Time,
  useNow,
} from './parts.jsx';
import { href, useSelected } from './router.mjs';
import { Timeline } from './timeline.jsx';
import { Tree } from './tree.jsx';

/** A wait; events that began those of a child are in the child's history. */
function WaitItem({ wait, now, child }) {
  return (
    <li class={`wait ${wait.kind} ${wait.state ?? ''}`}>
      {waitText(wait, now)}
      {wait.instanceId && (
        <>
          {' '}
          <InstanceLink id={wait.instanceId} />
        </>
      )}
      <span class="note">
        {' since '}
        <Ago at={wait.since} />
        {wait.eventId !== undefined && (
          <>
            {', '}
            <a href={`${child ? href('instance', { id: child }) : ''}#event-${wait.eventId}`}>
              event {wait.eventId}
            </a>
          </>
        )}
      </span>
      {wait.error && <p class="problem">{visible(wait.error)}</p>}
      {wait.after && (
        <p class="problem">
          {visible(wait.after.error)} (failed {wait.after.failures} times)
        </p>
      )}
      {wait.waitingFor?.length > 0 && (
        <ul>
          {wait.waitingFor.map((each) => (
            <WaitItem
              key={`${each.kind} ${each.eventId}`}
              wait={each}
              now={now}
              child={wait.instanceId}
            />
          ))}
        </ul>
      )}
    </li>
  );
}

function Waits({ of }) {
  const now = useNow();
  if (of.status !== 'Running') return null;
  return (
    <section aria-labelledby="waits" class="waits">
      <h2 id="waits">Waits for</h2>
      {of.waitingFor.length === 0 ? (
        <Nothing>Nothing: it goes on just now.</Nothing>
      ) : (
        <ul>
          {of.waitingFor.map((wait) => (
            <WaitItem key={`${wait.kind} ${wait.eventId}`} wait={wait} now={now} />
          ))}
        </ul>
      )}
      {of.hasMore && <p class="note">It waits for more than is listed here.</p>}
    </section>
  );
}

function Held({ hold }) {
  if (!hold) return null;
  return (
    <section aria-labelledby="held">
      <h2 id="held">Held: its history does not fit the code</h2>
      <Facts
        of={[
          ['Reason', visible(hold.reason)],
          ['Asked for', hold.asked && visible(hold.asked)],
          ['Recorded', hold.recorded && visible(hold.recorded)],
          ['Place', hold.place && <code>{visible(hold.place)}</code>],
          ['Event', hold.eventId > 0 && <a href={`#event-${hold.eventId}`}>{hold.eventId}</a>],
          ['Since', <Ago key="since" at={hold.since} />],
        ]}
      />
    </section>
  );
}

/** How it ended; the last event says where that was thrown. */
function Outcome({ of, events }) {
  const last = events?.at(-1);
  const place = last?.failure === undefined ? undefined : last.place;
  if (of.failure === undefined && of.output === undefined) return null;
  return (
    <section aria-labelledby="outcome">
      <h2 id="outcome">{of.failure ? 'Error' : 'Output'}</h2>
      {of.failure ? <Failure of={of.failure} place={place} /> : <Payload of={of.output} />}
    </section>
  );
}

function About({ of }) {
  const { sizes, cancelling } = of;
  return (
    <Facts
      of={[
        ['Orchestration', visible(of.orchestrationName)],
        ['Version', visible(of.orchestrationVersion ?? 'not chosen yet')],
        ['Created', <Time key="created" at={of.createdAt} />],
        ['Updated', <Time key="updated" at={of.updatedAt} />],
        ['Parent', of.parentInstanceId && <InstanceLink id={of.parentInstanceId} />],
        ['History', `${number(sizes.historyEvents)} events, ${bytes(sizes.historyBytes)}`],
        ['Messages', sizes.messages > 0 && number(sizes.messages)],
        [
          'Cancelled',
          cancelling && (
            <span>
              {visible(cancelling.reason)}; it may clean up until <Time at={cancelling.until} />
            </span>
          ),
        ],
        ['Custom status', of.customStatus && <Payload of={of.customStatus} />],
      ]}
    />
  );
}

function Values({ of }) {
  if (of.length === 0) return null;
  return (
    <section aria-labelledby="values">
      <h2 id="values">Values</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {of.map(({ key, value }) => (
            <tr key={key}>
              <td>{visible(key)}</td>
              <td>
                <Payload of={value} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Executions({ id, of, shown }) {
  if (of.executionCount < 2) return null;
  return (
    <nav class="executions" aria-label="Executions">
      Executions:{' '}
      {of.executions.map((each) => (
        <Link
          key={each}
          to="instance"
          params={{ id, execution: each }}
          aria-current={each === shown ? 'true' : undefined}
        >
          {each}
        </Link>
      ))}
    </nav>
  );
}

/** What was recorded of an execution, read again when there is more of it. */
function useHistory(id, of, params) {
  const current = of?.currentExecutionId;
  const execution = params.execution === undefined ? current : Number(params.execution);
  const isCurrent = execution === current;
  const [before, setBefore] = useState(undefined);
  const version = isCurrent && of ? `${of.sizes.historyEvents} ${of.updatedAt}` : 'over';
  const { data, problem } = useOnce('history', { id, execution, before }, version);
  return {
    data,
    problem,
    execution,
    isLatest: isCurrent && before === undefined,
    before,
    setBefore,
  };
}

function Recorded({ id, of, history }) {
  const { data, problem, execution, isLatest, before, setBefore } = history;
  if (data === null) return <Loading problem={problem} />;
  return (
    <>
      <Executions id={id} of={of} shown={execution} />
      <section aria-labelledby="timeline">
        <h2 id="timeline">Timeline</h2>
        <Timeline
          events={data.events}
          waits={isLatest ? of.waitingFor : []}
          isRunning={isLatest && of.status === 'Running'}
        />
      </section>
      <section aria-labelledby="history">
        <h2 id="history">History</h2>
        <Problem problem={problem} />
        <p class="buttons">
          {data.hasEarlier && (
            <button type="button" onClick={() => setBefore(data.events[0].eventId)}>
              Earlier events
            </button>
          )}
          {before !== undefined && (
            <button type="button" onClick={() => setBefore(undefined)}>
              Latest events
            </button>
          )}
          <a href={`${base}/api/history.jsonl?${queryOf({ id, execution })}`} download>
            Download as a file
          </a>
        </p>
        <History events={data.events} />
      </section>
    </>
  );
}

function InstanceActions({ of, id }) {
  const selected = useSelected();
  return <Actions actions={actionsOf(of, selected)} id={id} />;
}

export function Instance({ params, mayOperate }) {
  const { id } = params;
  const { data, problem } = useLive('instance', { id });
  const history = useHistory(id, data, params);
  if (data === null) {
    return (
      <>
        <h1>{visible(id ?? '')}</h1>
        <Loading problem={problem} />
      </>
    );
  }
  return (
    <>
      <h1>
        <span class="id">{visible(id)}</span> <Status of={data} />
      </h1>
      <Problem problem={problem} />
      <Waits of={data} />
      <Held hold={data.hold} />
      <Outcome of={data} events={history.isLatest ? history.data?.events : undefined} />
      {mayOperate && <InstanceActions of={data} id={id} />}
      <About of={data} />
      <Recorded id={id} of={data} history={history} />
      {data.childCount > 0 && <Tree id={id} count={data.childCount} version={data.updatedAt} />}
      <Values of={data.values} />
    </>
  );
}
