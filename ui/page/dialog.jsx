/** Dialogs that ask before something is changed. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { post } from './api.mjs';
import { visible } from './format.mjs';
import { Problem } from './parts.jsx';

/** A modal dialog; Escape and Cancel close it, and the focus goes back to where it was. */
export function Dialog({ title, onClose, children }) {
  const element = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current.showModal();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog ref={element} onClose={onClose} aria-labelledby="dialog-title">
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

/** Reads what the fields of a form say; texts that should be JSON are. */
function bodyOf(fields, values) {
  const body = {};
  for (const { name, type } of fields) {
    const value = values[name];
    if (value === undefined || value === '') continue;
    body[name] = READ[type ?? 'text'](value, name);
  }
  return body;
}

const READ = {
  text: (value) => value,
  check: (value) => value,
  number: Number,
  time: (value) => new Date(value).toISOString(),
  json(value, name) {
    try {
      return JSON.parse(value);
    } catch {
      throw new Error(`${name} must be JSON: a text stands in quotes, "like this"`);
    }
  },
};

function Field({ of, value, onChange }) {
  const { name, label, type = 'text', required, hint } = of;
  const id = `field-${name}`;
  const common = { id, name, required, 'aria-describedby': hint ? `${id}-hint` : undefined };
  const written = { ...common, value: value ?? '', onInput: (e) => onChange(e.target.value) };
  const input = {
    text: () => <input {...written} />,
    number: () => <input type="number" min="0" {...written} />,
    time: () => <input type="datetime-local" {...written} />,
    json: () => <textarea {...written} rows="4" spellcheck={false} />,
    check: () => (
      <input
        {...common}
        type="checkbox"
        checked={value ?? false}
        onChange={(e) => onChange(e.target.checked)}
      />
    ),
  };
  return (
    <div class={`field ${type}`}>
      <label for={id}>{label}</label>
      {input[type]()}
      {hint && (
        <p class="note" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** Asks for what an action needs, does it, and says what came of it. */
function ActionDialog({ action, id, onClose, onDone }) {
  const [values, setValues] = useState(action.initial ?? {});
  const [state, setState] = useState({ isBusy: false, problem: null });
  const fields = action.fields ?? [];
  const submit = async (event) => {
    event.preventDefault();
    setState({ isBusy: true, problem: null });
    try {
      const result = await post(`actions/${action.name}`, {
        ...bodyOf(fields, values),
        ...action.fixed,
        id,
      });
      onDone(action.done(result));
    } catch (problem) {
      setState({ isBusy: false, problem });
    }
  };
  return (
    <Dialog title={`${action.label}: ${visible(id)}`} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{action.about}</p>
        {fields.map((field) => (
          <Field
            key={field.name}
            of={field}
            value={values[field.name]}
            onChange={(value) => setValues((last) => ({ ...last, [field.name]: value }))}
          />
        ))}
        <Problem problem={state.problem} />
        <Undone of={state.problem} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" class={action.isHard ? 'hard' : 'main'} disabled={state.isBusy}>
            {action.label}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What code has done that a repair would undo. */
function Undone({ of }) {
  const events = of?.details?.events;
  if (!events) return null;
  return (
    <ul>
      {events.map(({ eventId, kind }) => (
        <li key={eventId}>
          event {eventId}: {kind}
        </li>
      ))}
    </ul>
  );
}

const AT_ONCE = 4;

/** Does one thing to many instances: shows which, asks for a reason, and goes on one by one. */
export function BulkDialog({ action, ids, onClose, onDone }) {
  const [values, setValues] = useState(action.initial ?? {});
  const [progress, setProgress] = useState(null);
  const isGoing = useRef(true);
  useEffect(
    () => () => {
      isGoing.current = false;
    },
    [],
  );
  const fields = (action.fields ?? []).filter(({ isBulk }) => isBulk);
  const submit = async (event) => {
    event.preventDefault();
    const body = bodyOf(fields, values);
    const left = [...ids];
    const failures = [];
    const worker = async () => {
      for (let id = left.shift(); id !== undefined && isGoing.current; id = left.shift()) {
        await post(`actions/${action.name}`, { ...body, id }).catch((problem) =>
          failures.push({ id, message: problem.message }),
        );
        setProgress({ done: ids.length - left.length, failures: [...failures], isOver: false });
      }
    };
    setProgress({ done: 0, failures, isOver: false });
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    setProgress({ done: ids.length - left.length, failures: [...failures], isOver: true });
    onDone();
  };
  return (
    <Dialog title={`${action.label}: ${ids.length} instances`} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{action.about}</p>
        <ul class="preview">
          {ids.slice(0, 10).map((id) => (
            <li key={id} class="id">
              {visible(id)}
            </li>
          ))}
          {ids.length > 10 && <li>and {ids.length - 10} more</li>}
        </ul>
        {fields.map((field) => (
          <Field
            key={field.name}
            of={field}
            value={values[field.name]}
            onChange={(value) => setValues((last) => ({ ...last, [field.name]: value }))}
          />
        ))}
        {progress && <Progress of={progress} total={ids.length} />}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {progress?.isOver ? 'Close' : progress ? 'Stop' : 'Leave it'}
          </button>
          {!progress && (
            <button type="submit" class={action.isHard ? 'hard' : 'main'}>
              {action.label} {ids.length}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function Progress({ of: { done, failures, isOver }, total }) {
  return (
    <div role="status">
      <progress value={done} max={total} aria-label="progress" />
      <p>
        {done} of {total}
        {failures.length > 0 && `, ${failures.length} could not be done`}
        {isOver && failures.length === 0 && ': all done'}
      </p>
      {failures.slice(0, 5).map(({ id, message }) => (
        <p key={id} class="problem">
          {visible(id)}: {visible(message)}
        </p>
      ))}
    </div>
  );
}

/** The buttons of what can be done with something, the dialog of one of them, and what came of it. */
export function Actions({ actions, id }) {
  const [action, setAction] = useState(null);
  const [said, setSaid] = useState('');
  return (
    <div class="actions">
      <fieldset class="buttons">
        <legend class="hidden">Actions</legend>
        {actions.map((each) => (
          <button
            key={each.name}
            type="button"
            class={each.isHard ? 'hard' : ''}
            onClick={() => setAction(each)}
          >
            {each.label}…
          </button>
        ))}
      </fieldset>
      <p role="status">{said}</p>
      {action && (
        <ActionDialog
          action={action}
          id={id}
          onClose={() => setAction(null)}
          onDone={(text) => {
            setAction(null);
            setSaid(text);
          }}
        />
      )}
    </div>
  );
}
