import { BACKFILL, DELETE_SCHEDULE, PAUSE, RESUME, TRIGGER } from './actions.mjs';
import { useLive } from './api.mjs';
import { Actions } from './dialog.jsx';
import { duration, number, visible } from './format.mjs';
import {
  Ago,
  Facts,
  InstanceLink,
  Link,
  Loading,
  Nothing,
  Payload,
  Problem,
  Time,
} from './parts.jsx';

function Stage({ of }) {
  return <span class={`status ${of.stage}`}>{of.stage}</span>;
}

/** When it ticks, in the words of its definition. */
function whenOf(definition) {
  if (!definition) return 'it is new';
  const { cron, every, at, timeZone } = definition;
  if (cron) return `${[cron].flat().join(', ')} (${timeZone ?? 'UTC'})`;
  if (every) return `every ${length(every?.interval ?? every)}`;
  return `at ${[at].flat().length} moments`;
}

const length = (value) => (typeof value === 'number' ? duration(value) : String(value));

export function Schedules({ params }) {
  const { data, problem } = useLive('schedules', params);
  if (data === null) return <Loading problem={problem} />;
  return (
    <>
      <h1>Schedules</h1>
      <Problem problem={problem} />
      {data.schedules.length === 0 ? (
        <Nothing>There is no schedule.</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Schedule</th>
              <th scope="col">Stage</th>
              <th scope="col">Orchestration</th>
              <th scope="col">When</th>
              <th scope="col">Next run</th>
              <th scope="col">Last decision</th>
            </tr>
          </thead>
          <tbody>
            {data.schedules.map((each) => (
              <tr key={each.scheduleId}>
                <td>
                  <Link to="schedule" params={{ id: each.scheduleId }} class="id">
                    {visible(each.scheduleId)}
                  </Link>
                </td>
                <td>
                  <Stage of={each} />
                </td>
                <td>{visible(each.definition?.orchestration ?? '')}</td>
                <td>{visible(whenOf(each.definition))}</td>
                <td>{each.next && <Ago at={each.next.due} />}</td>
                <td>
                  {each.last && (
                    <>
                      {each.last.decision} <Time at={each.last.decidedAt} />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {data.next && (
        <Link to="schedules" params={{ before: data.next }}>
          Next page
        </Link>
      )}
    </>
  );
}

/** The next ticks, by day. */
function Calendar({ ticks }) {
  if (ticks.length === 0) return <Nothing>No tick is to come.</Nothing>;
  const days = new Map();
  for (const tick of ticks) {
    const day = new Date(tick).toDateString();
    days.set(day, [...(days.get(day) ?? []), tick]);
  }
  return (
    <ol class="calendar">
      {[...days].map(([day, own]) => (
        <li key={day}>
          <h3>{day}</h3>
          <ul>
            {own.map((tick) => (
              <li key={tick}>
                <Time at={tick} />{' '}
                <span class="note">
                  <Ago at={tick} />
                </span>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}

function Runs({ of }) {
  if (of.length === 0) return <Nothing>Nothing was decided yet.</Nothing>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Tick</th>
          <th scope="col">Decision</th>
          <th scope="col">Instance</th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        {of.toReversed().map((run) => (
          <tr key={`${run.instanceId} ${run.decidedAt}`}>
            <td>
              <Time at={run.tick} />
            </td>
            <td>
              {run.decision}
              {run.count > 1 && ` (${run.count})`} {run.reason && visible(run.reason)}
            </td>
            <td>{run.status ? <InstanceLink id={run.instanceId} /> : visible(run.instanceId)}</td>
            <td>
              {run.status && <span class={`status ${run.status.toLowerCase()}`}>{run.status}</span>}{' '}
              {run.error && visible(run.error)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Schedule({ params: { id }, mayOperate }) {
  const { data, problem } = useLive('schedule', { id });
  if (data === null) return <Loading problem={problem} />;
  const { definition, counts } = data;
  const actions = [data.stage === 'paused' ? RESUME : PAUSE, TRIGGER, BACKFILL, DELETE_SCHEDULE];
  return (
    <>
      <h1>
        <span class="id">{visible(id)}</span> <Stage of={data} />
      </h1>
      <Problem problem={problem} />
      <p>Waits for: {visible(data.waitsFor)}</p>
      {mayOperate && <Actions actions={actions} id={id} />}
      <Facts
        of={[
          ['Orchestration', definition && visible(definition.orchestration)],
          ['When', visible(whenOf(definition))],
          ['Overlap', definition?.overlap ?? 'skip'],
          [
            'Paused',
            data.paused && (
              <span>
                {visible(data.paused.note)} since <Ago at={data.paused.since} />
              </span>
            ),
          ],
          ['Note', definition?.note && visible(definition.note)],
          [
            'Decided',
            counts &&
              Object.entries(counts)
                .filter(([, n]) => n > 0)
                .map(([what, n]) => `${number(n)} ${what}`)
                .join(', '),
          ],
          ['Input', definition?.input && <Payload of={definition.input} />],
        ]}
      />
      <section aria-labelledby="next">
        <h2 id="next">Next runs</h2>
        <Calendar ticks={data.nextTicks} />
      </section>
      <section aria-labelledby="last">
        <h2 id="last">Last decisions</h2>
        <Runs of={data.lastRuns} />
      </section>
      {data.running.length > 0 && (
        <section aria-labelledby="running">
          <h2 id="running">Running</h2>
          <ul>
            {data.running.map((each) => (
              <li key={each}>
                <InstanceLink id={each} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
