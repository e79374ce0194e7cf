import { useLive } from './api.mjs';
import { duration, number, rate, visible } from './format.mjs';
import { Ago, InstanceLink, Loading, Nothing, Problem } from './parts.jsx';

const HEIGHT = 34;
const BAR = 14;

function classText(classes, at) {
  if (at === classes.length) return `above ${duration(classes.at(-1))}`;
  return `up to ${duration(classes[at])}`;
}

/** How often it took how long. */
function Histogram({ counts, classes, name }) {
  const most = Math.max(...counts);
  if (most === 0) return null;
  const text = counts
    .map((count, at) => (count > 0 ? `${count} ${classText(classes, at)}` : ''))
    .filter(Boolean)
    .join(', ');
  return (
    <svg
      class="histogram"
      width={counts.length * BAR}
      height={HEIGHT}
      role="img"
      aria-label={`${visible(name)}: ${text}`}
    >
      <title>{text}</title>
      {counts.map((count, at) => {
        const height = count === 0 ? 1 : Math.max(2, (count / most) * HEIGHT);
        return (
          <rect
            key={classText(classes, at)}
            x={at * BAR}
            y={HEIGHT - height}
            width={BAR - 2}
            height={height}
          />
        );
      })}
    </svg>
  );
}

function Errors({ of }) {
  return of.map(({ error, count, instanceId, at }) => (
    <p key={error} class="group">
      {number(count)} × <span class="bad">{visible(error)}</span>{' '}
      <span class="note">
        in <InstanceLink id={instanceId} />, the last <Ago at={at} />
      </span>
    </p>
  ));
}

/** Calls a minute, over the time that was looked at. */
function rateOf(calls, { from, to }) {
  const minutes = (to - from) / 60_000;
  return minutes > 0 ? rate(calls / minutes) : '';
}

function Row({ of, data }) {
  return (
    <tr>
      <th scope="row">{visible(of.name)}</th>
      <td>
        {number(of.calls)}
        {of.open > 0 && <span class="note"> ({number(of.open)} not over)</span>}
      </td>
      <td>{rateOf(of.calls, data)}</td>
      <td class={of.failed > 0 ? 'bad' : ''}>{number(of.failed)}</td>
      <td>{of.attempts}</td>
      <td>{of.p50 !== null && `${duration(of.p50)} · ${duration(of.p99)}`}</td>
      <td>
        <Histogram counts={of.histogram} classes={data.classes} name={of.name} />
      </td>
      <td>
        <Errors of={of.groups} />
      </td>
    </tr>
  );
}

export function Activities() {
  const { data, problem } = useLive('activities');
  if (data === null) return <Loading problem={problem} />;
  return (
    <>
      <h1>Activities</h1>
      <Problem problem={problem} />
      <p class="note">
        Of the {number(data.instances)} instances that were started last, in their current
        executions
        {data.leftOut > 0 && `, without ${number(data.leftOut)} whose histories are too long`}.
        Times are from when an activity is scheduled to its outcome, retries and waiting for a slot
        included.
      </p>
      {data.activities.length === 0 ? (
        <Nothing>None of them has called an activity.</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Activity</th>
              <th scope="col">Calls</th>
              <th scope="col">A minute</th>
              <th scope="col">Failed</th>
              <th scope="col">Most attempts</th>
              <th scope="col">p50 · p99</th>
              <th scope="col">How long</th>
              <th scope="col">Errors</th>
            </tr>
          </thead>
          <tbody>
            {data.activities.map((each) => (
              <Row key={each.name} of={each} data={data} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
